import type { Clock, Timer } from "../../runtime/clock.ts";
import type { CompileContext } from "../policy.ts";

/** How often a step is looked for, in ms: what expires by one ends well within a second of it. */
const LOOK = 500;

/** The two clocks are read one after the other: a smaller difference, in ms, is no step. */
const STEP = 100;

interface Deadline {
  /** Milliseconds since the epoch. */
  readonly wall: number;
  readonly reached: () => void;
  timer: Timer | undefined;
}

/**
 * Calls back when the wall clock reaches a moment, however it gets there: timers see neither that it is set nor that the
 * machine slept, so one ticker for all holds it against the monotonic clock while any deadline waits.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #waiting = new Set<Deadline>();
  #ticker: Timer | undefined;
  /** By how much the wall clock was ahead of the monotonic one when the timers were set. */
  #ahead = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `reached` once when it is `wall` (milliseconds since the epoch), not from within; the returned function stops it. */
  at(wall: number, reached: () => void): () => void {
    if (wall === Number.POSITIVE_INFINITY) return () => {};
    if (this.#waiting.size === 0) {
      this.#ahead = this.#clock.wall() - this.#clock.now();
      this.#tick();
    }
    const deadline: Deadline = { wall, reached, timer: undefined };
    this.#waiting.add(deadline);
    this.#arm(deadline);
    return () => this.#drop(deadline);
  }

  #arm(deadline: Deadline): void {
    const left = Math.max(0, deadline.wall - this.#clock.wall());
    deadline.timer = this.#clock.after(left, () => this.#due(deadline));
  }

  #due(deadline: Deadline): void {
    if (this.#clock.wall() < deadline.wall) return this.#arm(deadline); // the clock was set back meanwhile
    this.#drop(deadline);
    deadline.reached();
  }

  #drop(deadline: Deadline): void {
    deadline.timer?.cancel();
    this.#waiting.delete(deadline);
    if (this.#waiting.size === 0) this.#ticker?.cancel();
  }

  #tick(): void {
    this.#ticker = this.#clock.after(LOOK, () => {
      this.#tick();
      this.#look();
    });
  }

  #look(): void {
    const ahead = this.#clock.wall() - this.#clock.now();
    if (Math.abs(ahead - this.#ahead) < STEP) return;
    this.#ahead = ahead;
    for (const deadline of this.#waiting) {
      deadline.timer?.cancel();
      this.#arm(deadline);
    }
  }
}

/** The deadlines of a proxy, for all its routes and over config changes. */
export function deadlinesOf({ memory, clock }: Pick<CompileContext, "memory" | "clock">): Deadlines {
  return memory.recall("deadlines", () => new Deadlines(clock));
}
