/** The two requests to end a process: the first asks it to stop gracefully, the second to stop at once. */
export interface Shutdown {
  /** Aborts at the first SIGTERM or SIGINT, and when the terminal of the process closes. */
  readonly stop: AbortSignal;
  /** Aborts at the second signal. */
  readonly now: AbortSignal;
  /** Removes the signal handlers. */
  dispose(): void;
}

/** Handles the signals of this process. `terminal`: the process was started at a terminal. */
export function onSignals(terminal: boolean): Shutdown {
  const stop = new AbortController();
  const now = new AbortController();
  const received = (): void => (stop.signal.aborted ? now.abort() : stop.abort());
  // SIGHUP asks a service to read its config again, which happens anyway. Without a handler it would end the process and
  // every session.
  const hangUp = terminal ? received : (): void => {};
  const handlers = { SIGTERM: received, SIGINT: received, SIGHUP: hangUp };
  for (const [name, handler] of Object.entries(handlers)) process.on(name, handler);
  return {
    stop: stop.signal,
    now: now.signal,
    dispose() {
      for (const [name, handler] of Object.entries(handlers)) process.off(name, handler);
    },
  };
}
