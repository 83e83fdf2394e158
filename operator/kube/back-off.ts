/** Growing waits between attempts that fail, with jitter, so that calls that fail together do not come back together. */
export class BackOff {
  readonly #least: number;
  readonly #most: number;
  readonly #random: () => number;
  #failures = 0;

  /** In ms; each wait is between half of the current step and all of it, never below `least`. */
  constructor(least: number, most: number, random: () => number) {
    this.#least = least;
    this.#most = most;
    this.#random = random;
  }

  reset(): void {
    this.#failures = 0;
  }

  next(): number {
    const step = Math.min(this.#most, this.#least * 2 ** (this.#failures + 1));
    this.#failures = Math.min(this.#failures + 1, 30);
    return Math.max(this.#least, step * (0.5 + 0.5 * this.#random()));
  }
}
