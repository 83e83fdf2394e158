import type { Clock } from "../../runtime/clock.ts";

/** The time was over before an answer came. */
export class TimedOut extends Error {
  override readonly name = "TimedOut";
}

/** A limit in time for one call. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Takes its timer and its listener away. */
  end(): void;
}

/** Aborts after `ms`, or along with `outer`. */
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

/** What comes of `promise`, or a rejection at once when the signal aborts. */
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
