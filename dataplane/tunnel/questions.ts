import type { Timer } from "../../runtime/clock.ts";
import type { Tokens } from "../limits/tokens.ts";

/** What must be asked of the store before a verdict on one message or read falls. All of it is asked at the same time. */
export class Questions {
  #all: { readonly bucket: Tokens; readonly n: number }[] = [];

  get any(): boolean {
    return this.#all.length > 0;
  }

  add(bucket: Tokens, n: number): void {
    this.#all.push({ bucket, n });
  }

  /** A verdict falls without them. */
  drop(): void {
    if (this.#all.length > 0) this.#all = [];
  }

  /** Asks; calls `answered` once all have been answered. */
  ask(now: number, answered: () => void): Timer {
    const all = this.#all;
    this.#all = [];
    let open = all.length;
    const heard = (): void => {
      open -= 1;
      if (open === 0) answered();
    };
    const timers = all.map(({ bucket, n }) => bucket.ask(n, now, heard));
    return { cancel: () => timers.forEach((timer) => timer.cancel()) };
  }
}
