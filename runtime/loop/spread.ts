import type { Clock } from "../clock.ts";
import { onceATurn } from "./once-a-turn.ts";

/** Tasks that may run in one turn of the event loop: at first, at least, and at most. */
const FIRST_SHARE = 16;
const LEAST = 4;
const MOST = 64;
/** Wanted length of a turn, in ms: everything else on the event loop waits about as long. */
const TARGET = 10;

/**
 * Spreads tasks over turns of the event loop: a burst of thousands would otherwise run in one turn, and everything else
 * would wait for it. A task runs at once while the turn's share is not used up; the others wait, in order. The share
 * grows after short turns and shrinks after long ones.
 */
export class Spread {
  readonly #clock: Clock;
  readonly #queue: (() => void)[] = [];
  /** Tasks at the start of the queue that have run. */
  #done = 0;
  #share = FIRST_SHARE;
  #used = 0;
  /** When the last turn began, if tasks waited in it. */
  #since: number | undefined;
  readonly #schedule = onceATurn(() => this.#turn());

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Number of tasks that wait for a turn. */
  get waiting(): number {
    return this.#queue.length - this.#done;
  }

  /** Runs a task at once, or in a later turn. */
  run(task: () => void): void {
    if (this.waiting === 0 && this.#used < this.#share) {
      this.#used += 1;
      this.#schedule();
      task();
      return;
    }
    this.#queue.push(task);
    this.#schedule();
  }

  #turn(): void {
    this.#adapt();
    this.#used = 0;
    if (this.waiting === 0) return;
    this.#schedule(); // first: if a task throws, the others must still run
    while (this.#used < this.#share && this.waiting > 0) {
      const task = this.#queue[this.#done];
      this.#done += 1;
      this.#used += 1;
      task?.();
    }
    if (this.waiting > 0 && this.#done < 1024) return;
    this.#queue.splice(0, this.#done);
    this.#done = 0;
  }

  /** Fits the share to the time from one turn to the next, if tasks waited in both: so long took a share and all else. */
  #adapt(): void {
    const now = this.#clock.now();
    if (this.waiting > 0 && this.#since !== undefined) {
      const took = now - this.#since;
      if (took > 2 * TARGET) this.#share = Math.max(LEAST, Math.floor(this.#share / 2));
      else if (took < TARGET) this.#share = Math.min(MOST, this.#share + 2);
    }
    this.#since = this.waiting > 0 ? now : undefined;
  }
}
