import { within } from "./deadline.ts";

/** Lets at most `atATime` callers hold a turn at once, in the order in which they asked. */
export class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(atATime: number) {
    this.#free = atATime;
  }

  /** Resolves with the function that gives the turn back (a second call does nothing); rejects if the signal aborts first. */
  async take(signal: AbortSignal): Promise<() => void> {
    if (this.#free > 0) this.#free -= 1;
    else await this.#next(signal);
    let taken = true;
    return () => {
      if (taken) this.#pass();
      taken = false;
    };
  }

  async #next(signal: AbortSignal): Promise<void> {
    let come = (): void => {};
    const turn = new Promise<void>((resolve) => (come = resolve));
    this.#waiting.push(come);
    try {
      await within(turn, signal);
    } catch (error) {
      const index = this.#waiting.indexOf(come);
      if (index === -1) this.#pass();
      else this.#waiting.splice(index, 1);
      throw error;
    }
  }

  #pass(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
