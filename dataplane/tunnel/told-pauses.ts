import type { Clock } from "../../runtime/clock.ts";

/** Least time between two pauses that the timeline shows, in ms: a limit may pause a source for each message. */
const APART = 1000;

/** Which pauses of a flow stand in the timeline. One that does has its end there too. */
export class ToldPauses {
  readonly #clock: Clock;
  readonly #tell: (what: "paused" | "resumed") => void;
  #told = false;
  #since = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, tell: (what: "paused" | "resumed") => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  paused(): void {
    const now = this.#clock.now();
    if (this.#told || now - this.#since < APART) return;
    this.#told = true;
    this.#since = now;
    this.#tell("paused");
  }

  resumed(): void {
    if (!this.#told) return;
    this.#told = false;
    this.#tell("resumed");
  }
}
