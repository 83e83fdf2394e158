import { systemClock, type Clock } from "../../runtime/clock.ts";

/** Between two tries to open a port that another process has, in ms. */
const AGAIN = 2000;

export interface RetryTimer {
  readonly due: () => boolean;
  readonly set: (failed: boolean) => void;
}

/** Says when to try again to open a port, although no file has changed. */
export function retryTimer(clock: Clock = systemClock): RetryTimer {
  let at = Number.POSITIVE_INFINITY;
  return {
    due: () => clock.now() >= at,
    set: (failed) => (at = failed ? clock.now() + AGAIN : Number.POSITIVE_INFINITY),
  };
}
