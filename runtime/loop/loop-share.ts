import type { Clock, Timer } from "../clock.ts";
import { onceATurn } from "./once-a-turn.ts";

/**
 * Time that the tasks of one share may take in one turn of the event loop, in ms. Everything else waits about as long.
 */
const SHARE = 4;
/** Tasks that run in one turn: a short task may cause more work than its own time shows, such as a read. */
const MOST_IN_A_TURN = 16;

/**
 * Shares the event loop between long tasks and everything else. A long task reads `spent` now and then; if it is true,
 * the task calls `next` and returns. A turn runs as many waiting tasks as it has time for, in order: at least one, at
 * most 16. A short task need not ask, and costs nothing here.
 */
export class LoopShare {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  /** When the first task of this turn asked. */
  #began: number | undefined;
  readonly #schedule = onceATurn(() => this.#turn());

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True if the tasks have used the time of this turn: the caller should call `next`. */
  get spent(): boolean {
    const now = this.#clock.now();
    this.#schedule();
    this.#began ??= now;
    return now - this.#began >= SHARE;
  }

  /** Calls `go` in a later turn, unless the returned timer is cancelled. */
  next(go: () => void): Timer {
    const waiting = new Waiting(this.#waiting, go);
    this.#waiting.add(waiting);
    this.#schedule();
    return waiting;
  }

  #turn(): void {
    this.#began = this.#waiting.size > 0 ? this.#clock.now() : undefined;
    let left = MOST_IN_A_TURN;
    for (const waiting of this.#waiting) {
      waiting.cancel();
      if (this.#waiting.size > 0) this.#schedule(); // first: if a task throws, the others must still run
      waiting.go();
      left -= 1;
      if (left === 0 || this.spent) return;
    }
  }
}

class Waiting implements Timer {
  readonly #among: Set<Waiting>;
  readonly go: () => void;

  constructor(among: Set<Waiting>, go: () => void) {
    this.#among = among;
    this.go = go;
  }

  cancel(): void {
    this.#among.delete(this);
  }
}
