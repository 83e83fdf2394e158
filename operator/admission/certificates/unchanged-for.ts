import type { Clock } from "../../../runtime/clock.ts";

/** For how long one value has been seen without a change, on the monotonic clock: no wall clock and no restart shortens it. */
export class UnchangedFor {
  readonly #clock: Clock;
  #seen: { readonly value: string; readonly since: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds since the first look of the row of looks that saw this value; 0: this is the first. */
  see(value: string): number {
    const now = this.#clock.now();
    if (this.#seen?.value !== value) this.#seen = { value, since: now };
    return now - this.#seen.since;
  }

  forget(): void {
    this.#seen = undefined;
  }
}
