import { performance } from "node:perf_hooks";

/** A running timer; `cancel` is idempotent. */
export interface Timer {
  cancel(): void;
}

/** A monotonic clock, a wall clock, and timers. Passed in everywhere, so that tests control the time. */
export interface Clock {
  /** Milliseconds on the monotonic clock, for limits and time-outs. Never steps back. */
  now(): number;
  /** Milliseconds since the epoch, for `exp`, `nbf`, annotations and logs. */
  wall(): number;
  /** Calls `fn` once after `ms` milliseconds (any finite length, beyond Node's 2^31 too). Does not keep the process alive. */
  after(ms: number, fn: () => void): Timer;
}

/** The longest delay that setTimeout supports. */
const LONGEST_TIMER = 2_147_483_647;

/** The clocks and timers of the machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after: (ms, fn) => new SystemTimer(ms, fn),
};

/** A class, because each session has several timers: closures would take more memory. */
class SystemTimer implements Timer {
  readonly #fn: () => void;
  #left: number;
  #handle: NodeJS.Timeout;

  constructor(ms: number, fn: () => void) {
    this.#fn = fn;
    this.#left = Math.max(0, ms);
    this.#handle = this.#arm();
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }

  #arm(): NodeJS.Timeout {
    const step = Math.min(this.#left, LONGEST_TIMER);
    this.#left -= step;
    return setTimeout(fired, step, this).unref();
  }

  fire(): void {
    if (this.#left > 0) this.#handle = this.#arm();
    else this.#fn();
  }
}

function fired(timer: SystemTimer): void {
  timer.fire();
}
