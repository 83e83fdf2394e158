import type { Timer } from "../../runtime/clock.ts";
import type { Tokens } from "../limits/tokens.ts";

interface Question {
  readonly bucket: Tokens;
  readonly n: number;
}

/** Most sessions never ask: they share it. */
const NONE: readonly Question[] = [];

/** What must be asked of the store before a verdict on one message or read falls. All of it is asked at the same time. */
export class Questions {
  #all: readonly Question[] = NONE;

  get any(): boolean {
    return this.#all.length > 0;
  }

  add(bucket: Tokens, n: number): void {
    this.#all = [...this.#all, { bucket, n }];
  }

  /** A verdict falls without them. */
  drop(): void {
    this.#all = NONE;
  }

  /** Asks; calls `answered` once all have been answered. */
  ask(now: number, answered: () => void): Timer {
    const all = this.#all;
    this.#all = NONE;
    let open = all.length;
    const heard = (): void => {
      open -= 1;
      if (open === 0) answered();
    };
    const timers = all.map(({ bucket, n }) => bucket.ask(n, now, heard));
    return { cancel: () => timers.forEach((timer) => timer.cancel()) };
  }
}
