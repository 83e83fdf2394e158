import type { Clock, Timer } from "../../../../runtime/clock.ts";
import type { PlaceTimes } from "./times.ts";

/** Keys that are remembered at most: beyond it, all counts are written anew. */
const MOST_DOUBTS = 20_000;

/**
 * Keys whose count in the store may be wrong, and when they are written anew. *Dirty* is a key after a call whose outcome
 * is not known: nothing may be added to its count before it is written. *Suspect* is one of which two calls crossed: its
 * count is wrong only if the store did not run them in the order in which they were sent.
 */
export class Doubts {
  readonly #dirty = new Set<string>();
  readonly #suspect = new Set<string>();
  readonly #clock: Clock;
  readonly #times: PlaceTimes;
  readonly #due: () => void;
  #timer: Timer | undefined;
  #at = Infinity;
  #overflowed = false;

  constructor(clock: Clock, times: PlaceTimes, due: () => void) {
    this.#clock = clock;
    this.#times = times;
    this.#due = due;
  }

  isDirty(key: string): boolean {
    return this.#overflowed || this.#dirty.has(key);
  }

  /** There were too many keys to remember: all counts are in doubt. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  get size(): number {
    return this.#dirty.size + this.#suspect.size;
  }

  dirty(keys: Iterable<string>): void {
    if (this.#overflowed) return;
    for (const key of keys) this.#dirty.add(key);
    this.#bounded();
    if (this.#dirty.size > 0) this.#within(this.#times.dirty);
  }

  suspect(keys: Iterable<string>): void {
    if (this.#overflowed) return;
    for (const key of keys) this.#suspect.add(key);
    this.#bounded();
    if (this.#suspect.size > 0) this.#within(this.#times.suspect);
  }

  /** What failed is tried again after a while. */
  later(): void {
    this.#within(this.#times.again);
  }

  /** At most so many keys, which are not remembered from here on. */
  some(count: number): string[] {
    const keys: string[] = [];
    for (const set of [this.#dirty, this.#suspect]) {
      for (const key of set) {
        if (keys.length === count) return keys;
        set.delete(key);
        keys.push(key);
      }
    }
    return keys;
  }

  /** All counts are about to be written: gives what is dirty now, and begins anew. */
  begin(): string[] {
    const keys = [...this.#dirty];
    this.#dirty.clear();
    this.#suspect.clear();
    this.#overflowed = false;
    return keys;
  }

  close(): void {
    this.#timer?.cancel();
    this.#at = -Infinity;
  }

  #bounded(): void {
    if (this.size <= MOST_DOUBTS) return;
    this.#dirty.clear();
    this.#suspect.clear();
    this.#overflowed = true;
    this.#within(this.#times.dirty);
  }

  #within(ms: number): void {
    const at = this.#clock.now() + ms;
    if (at >= this.#at) return;
    this.#timer?.cancel();
    this.#at = at;
    this.#timer = this.#clock.after(ms, () => {
      this.#at = Infinity;
      this.#due();
    });
  }
}
