import { onceATurn } from "../../../../runtime/loop/once-a-turn.ts";
import { BATCH } from "./walk.ts";

/** How many of a key are given back. */
export type Given = readonly (readonly [key: string, count: number])[];

/** Places that are given back in one turn: they leave together, at its end at the latest. */
export class Gives {
  readonly #counts = new Map<string, number>();
  readonly #send: (given: Given) => void;
  readonly #due = onceATurn(() => this.flush());

  constructor(send: (given: Given) => void) {
    this.#send = send;
  }

  add(keys: readonly string[]): void {
    for (const key of keys) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    if (this.#counts.size >= BATCH) this.flush();
    else this.#due();
  }

  flush(): void {
    if (this.#counts.size === 0) return;
    const given = [...this.#counts];
    this.#counts.clear();
    for (let from = 0; from < given.length; from += BATCH) this.#send(given.slice(from, from + BATCH));
  }
}
