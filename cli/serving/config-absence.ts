import type { Clock } from "../../runtime/clock.ts";

/** Time after which a folder without a config means that the config was removed, in ms: objects may be made anew. */
const REMOVED_AFTER = 5000;
/** Time between two looks at a folder without a config, in ms. */
const AGAIN = 1000;

/** Tells a config that was removed from one that is only replaced: every look in a while finds no config. */
export class ConfigAbsence {
  readonly #clock: Clock;
  #since: number | undefined;
  #again = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Is it time for the next look, although no file has changed? */
  get due(): boolean {
    return this.#clock.now() >= this.#again;
  }

  /** What a look found. True: there has been no config for so long that it counts as removed. */
  looked(absent: boolean): boolean {
    const now = this.#clock.now();
    this.#since = absent ? (this.#since ?? now) : undefined;
    this.#again = absent ? now + AGAIN : Number.POSITIVE_INFINITY;
    return this.#since !== undefined && now - this.#since >= REMOVED_AFTER;
  }
}
