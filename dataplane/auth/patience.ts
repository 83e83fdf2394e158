/** With the issuer gone, what it said last holds this long, in ms. */
export const MAX_STALE = 86_400_000;

/** Waits for work that others share, at most until `signal` aborts; the work goes on. It must not reject. */
export function waitFor<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const leave = (): void => resolve(undefined);
    signal.addEventListener("abort", leave, { once: true });
    void work.then((value) => {
      signal.removeEventListener("abort", leave);
      resolve(value);
    });
  });
}

/** A time around `ms`, up to a tenth more or less, so that what began together does not stay together. */
export function jittered(ms: number): number {
  return ms * (0.9 + 0.2 * Math.random());
}
