import type { Clock } from "./clock.ts";

/** Least time between two lines, in ms. */
const INTERVAL = 1000;

/** Counts events that may happen thousands of times a second, and writes the counts once a second at most. */
export class SparseLog<Key extends string> {
  readonly #clock: Clock;
  readonly #write: (counts: Partial<Record<Key, number>>) => void;
  #counts: Partial<Record<Key, number>> | undefined;
  #resting = false;

  /**
   * `write` gets the counts since its last call: for the first event at once, for later ones when a second has passed.
   */
  constructor(clock: Clock, write: (counts: Partial<Record<Key, number>>) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  count(key: Key): void {
    this.#counts ??= {};
    this.#counts[key] = (this.#counts[key] ?? 0) + 1;
    if (!this.#resting) this.#tell();
  }

  #tell(): void {
    const counts = this.#counts;
    this.#counts = undefined;
    this.#resting = counts !== undefined;
    if (counts === undefined) return;
    this.#clock.after(INTERVAL, () => this.#tell());
    this.#write(counts);
  }
}
