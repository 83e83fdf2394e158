import type { Loan } from "../shared-limits.ts";

/** Tokens of one pocket of which it is not known yet whether they are used: the store goes on to hold them. */
export class Loans {
  #open = 0;
  /** Changes where the store holds nothing any more of what was lent before. */
  #era = 0;

  get open(): number {
    return this.#open;
  }

  /** `unused` is called once, where the token comes back. */
  lend(unused: () => void): Loan {
    const era = this.#era;
    this.#open += 1;
    const end = (used: boolean): void => {
      if (era !== this.#era) return;
      this.#open -= 1;
      if (!used) unused();
    };
    return { end };
  }

  /** None of them comes back. */
  giveUp(): void {
    this.#open = 0;
    this.#era += 1;
  }
}
