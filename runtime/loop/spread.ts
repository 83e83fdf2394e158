import type { Clock } from "../clock.ts";
import { onceATurn } from "./once-a-turn.ts";

/** Tasks of one turn of the event loop: where it starts, and between what it stays. */
const FIRST_SHARE = 16;
const LEAST = 4;
const MOST = 64;
/** A turn that is to be shorter than this, in ms, so that what else waits for the loop is not late. */
const TARGET = 10;

/**
 * Spreads tasks over turns of the event loop: a burst of thousands would otherwise run in one turn, and everything else
 * would wait for its end. Tasks run at once as long as a turn's share is not used up; the rest waits, in order. How many
 * make a share follows how long the turns take.
 */
export class Spread {
  readonly #clock: Clock;
  readonly #queue: (() => void)[] = [];
  /** Of the queue, those that have run. */
  #done = 0;
  #share = FIRST_SHARE;
  #used = 0;
  /** When the last turn began in which tasks waited. */
  #since: number | undefined;
  readonly #schedule = onceATurn(() => this.#turn());

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Tasks that wait for a turn. */
  get waiting(): number {
    return this.#queue.length - this.#done;
  }

  /** Runs a task at once, or in its turn. */
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
    this.#schedule(); // first: a task that throws must not leave the others waiting for ever
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

  /** From one turn to the next with tasks waiting all the while: that long is what a share of them, and all else, took. */
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
