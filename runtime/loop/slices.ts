import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../clock.ts";

/** How long a slice of long work may take, in ms: what waits for the event loop waits no longer. */
const SLICE = 10;

/**
 * Lets long work go on in slices, with the event loop's turn in between: `if (slices.spent) await slices.next()` before
 * each small part. Only one piece of work at a time may use it.
 */
export class Slices {
  readonly #clock: Clock;
  #began: number;
  /** In ms, of the slices before this one. */
  #worked = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#began = clock.now();
  }

  /** This slice has taken as long as it may. */
  get spent(): boolean {
    return this.#clock.now() - this.#began >= SLICE;
  }

  /** How long all slices took so far, in ms, without what came between them. */
  get worked(): number {
    return this.#worked + this.#clock.now() - this.#began;
  }

  /** Resolves when the event loop has had its turn: the next slice begins. */
  async next(): Promise<void> {
    this.#worked = this.worked;
    await turn();
    this.#began = this.#clock.now();
  }
}
