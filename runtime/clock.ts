import { performance } from "node:perf_hooks";

/** A running timer; `cancel` is idempotent. */
export interface Timer {
  cancel(): void;
}

/** The two clocks that the product needs, and timers: injected everywhere, so that tests own the time. */
export interface Clock {
  /** Milliseconds on the monotonic clock: limits and time-outs. Never steps back. */
  now(): number;
  /** Milliseconds since the epoch: `exp`, `nbf`, annotations, logs. */
  wall(): number;
  /** Calls `fn` once after `ms` milliseconds (any finite length, beyond Node's 2^31 too). Does not keep the process alive. */
  after(ms: number, fn: () => void): Timer;
}

/** The longest delay that setTimeout takes as it is. */
const LONGEST = 2_147_483_647;

/** The machine's own clocks. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(ms, fn) {
    let left = Math.max(0, ms);
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const step = Math.min(left, LONGEST);
      left -= step;
      handle = setTimeout(() => (left > 0 ? arm() : fn()), step);
      handle.unref();
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  },
};
