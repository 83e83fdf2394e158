import type { Clock } from "../clock.ts";

/** Resolves after `ms` milliseconds, or as soon as the signal aborts. */
export function pause(ms: number, clock: Clock, abort: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (abort.aborted) return resolve();
    const done = (): void => {
      timer.cancel();
      abort.removeEventListener("abort", done);
      resolve();
    };
    const timer = clock.after(ms, done);
    abort.addEventListener("abort", done, { once: true });
  });
}
