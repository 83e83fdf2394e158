/** Waits between attempts that fail: they double, with jitter, so that calls that failed together do not retry together. */
export class BackOff {
  readonly #least: number;
  readonly #most: number;
  readonly #random: () => number;
  #failures = 0;

  /** Times in ms. Each wait is between half of its step and all of it, never below `least`; no step is above `most`. */
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
