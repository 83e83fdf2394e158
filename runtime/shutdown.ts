/** The two wishes of whoever ends a process: first to stop gracefully, then to stop at once. */
export interface Shutdown {
  /** Aborts at the first SIGTERM or SIGINT, and where the terminal goes away. */
  readonly stop: AbortSignal;
  /** Aborts at the second. */
  readonly now: AbortSignal;
  /** Takes the signal handlers away again. */
  dispose(): void;
}

/** Listens for the signals of this process; `terminal`: a person started it at one. */
export function onSignals(terminal: boolean): Shutdown {
  const stop = new AbortController();
  const now = new AbortController();
  const received = (): void => (stop.signal.aborted ? now.abort() : stop.abort());
  // Who sends it to a service wants its config read again, which happens by itself; unheard it would end every session.
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
