import { isRecord } from "../../api/unchecked.ts";

/** Refusals that are kept for pages that come later, and characters of all together. */
const MOST_REFUSALS = 1000;
const MOST_CHARACTERS = 2_097_152;

interface Kept {
  readonly data: object;
  readonly size: number;
}

/** The last refusals of all pods, for a page that begins to watch: as the pods themselves keep them. */
export class KeptRefusals {
  #kept: Kept[] = [];
  #characters = 0;

  /** `size`: characters of its text. */
  take(name: string, data: object, size: number): void {
    if (name !== "handshake" || !isRecord(data) || data["status"] === 101 || size > MOST_CHARACTERS / 4) return;
    this.#kept.push({ data, size });
    this.#characters += size;
    // In halves: to take the first one off for each that comes would move all others.
    if (this.#kept.length < 2 * MOST_REFUSALS && this.#characters < 2 * MOST_CHARACTERS) return;
    this.#kept = this.#last();
    this.#characters = this.#kept.reduce((sum, one) => sum + one.size, 0);
  }

  /** Oldest first. */
  get events(): readonly object[] {
    return this.#last().map(({ data }) => ({ ...data, past: true }));
  }

  #last(): Kept[] {
    let [from, characters] = [this.#kept.length, 0];
    while (from > 0 && this.#kept.length - from < MOST_REFUSALS) {
      characters += this.#kept[from - 1]?.size ?? 0;
      if (characters > MOST_CHARACTERS) break;
      from -= 1;
    }
    return this.#kept.slice(from);
  }
}
