import type { Clock, Timer } from "../clock.ts";
import { onceATurn } from "./once-a-turn.ts";

/** What the tasks of one share may take of one turn of the event loop, in ms: what waits for the loop waits little longer. */
const SHARE = 4;
/** Tasks that go on in one turn: one that goes on may bring more work than it takes time itself, such as a read. */
const MOST_IN_A_TURN = 16;

/**
 * Shares the event loop between tasks that have much to do and all else. A task asks now and then whether the turn is
 * spent; if so it gives way, and goes on in a turn of its own. Of those that wait a turn runs as many as it has time for,
 * in order: one at the least, 16 at the most. What is short costs nothing here: it does not ask.
 */
export class LoopShare {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  /** When this turn was asked for first. */
  #began: number | undefined;
  readonly #schedule = onceATurn(() => this.#turn());

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** This turn has had its share: give way. */
  get spent(): boolean {
    const now = this.#clock.now();
    this.#schedule();
    this.#began ??= now;
    return now - this.#began >= SHARE;
  }

  /** Goes on in a turn to come, unless it is cancelled. */
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
      if (this.#waiting.size > 0) this.#schedule(); // first: one that throws must not leave the others waiting for ever
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
