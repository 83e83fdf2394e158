import type { Clock } from "../../runtime/clock.ts";

/** No answer came in time. */
export class TimedOut extends Error {
  override readonly name = "TimedOut";
}

/** The time limit of one call. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Removes the timer and the listener. */
  end(): void;
}

/** A signal that aborts after `ms` with TimedOut, or when `outer` aborts. */
export function deadline(ms: number, clock: Clock, outer: AbortSignal | undefined): Deadline {
  const controller = new AbortController();
  const follow = (): void => controller.abort(reasonOf(outer));
  const timer = clock.after(ms, () => controller.abort(new TimedOut(`no answer within ${ms} ms`)));
  if (outer?.aborted === true) follow();
  else outer?.addEventListener("abort", follow, { once: true });
  return {
    signal: controller.signal,
    end() {
      timer.cancel();
      outer?.removeEventListener("abort", follow);
    },
  };
}

/** Settles as `promise` does, or rejects as soon as the signal aborts. */
export function within<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(reasonOf(signal));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Why a signal aborted. */
export function reasonOf(signal: AbortSignal | undefined): Error {
  return signal?.reason instanceof Error ? signal.reason : new Error("aborted");
}
