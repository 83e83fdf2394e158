/** The two wishes of whoever ends a process: first to stop gracefully, then to stop at once. */
export interface Shutdown {
  /** Aborts at the first SIGTERM or SIGINT. */
  readonly stop: AbortSignal;
  /** Aborts at the second. */
  readonly now: AbortSignal;
  /** Takes the signal handlers away again. */
  dispose(): void;
}

/** Listens for the signals of this process. */
export function onSignals(): Shutdown {
  const stop = new AbortController();
  const now = new AbortController();
  const received = (): void => (stop.signal.aborted ? now.abort() : stop.abort());
  const names = ["SIGTERM", "SIGINT"] as const;
  for (const name of names) process.on(name, received);
  return {
    stop: stop.signal,
    now: now.signal,
    dispose() {
      for (const name of names) process.off(name, received);
    },
  };
}
