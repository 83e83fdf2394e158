import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../clock.ts";

/** How long one slice of long work may take, in ms: everything else waits about as long. */
const SLICE = 10;

/**
 * Divides long work into slices, with a turn of the event loop between them: `if (slices.spent) await slices.next()`
 * before each small step. Use one instance for one piece of work.
 */
export class Slices {
  readonly #clock: Clock;
  #began: number;
  /** Time of the slices before this one, in ms. */
  #worked = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#began = clock.now();
  }

  /** True if this slice has used its time. */
  get spent(): boolean {
    return this.#clock.now() - this.#began >= SLICE;
  }

  /** Time of all slices so far, in ms, without the time between them. */
  get worked(): number {
    return this.#worked + this.#clock.now() - this.#began;
  }

  /** Resolves after a turn of the event loop, at the start of the next slice. */
  async next(): Promise<void> {
    this.#worked = this.worked;
    await turn();
    this.#began = this.#clock.now();
  }
}
