/** Calls in a row without a good answer after which nothing more is asked. */
const MOST_MISSES = 3;

/** Counts calls that brought nothing. Whether the store is asked while it is open, the link says. */
export class Breaker {
  #misses = 0;

  get open(): boolean {
    return this.#misses >= MOST_MISSES;
  }

  answered(): void {
    this.#misses = 0;
  }

  /** A call brought nothing in time, or only a fault. */
  missed(): void {
    this.#misses += 1;
  }
}
