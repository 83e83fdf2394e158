import type { Clock, Timer } from "../../runtime/clock.ts";

const SECOND = 1000;

/** Lets so many frames of each second pass, and tells how many it left out, once for each second that had any. */
export class FrameBudget {
  readonly #perSecond: number;
  readonly #clock: Clock;
  readonly #tell: (leftOut: number) => void;
  #ends = Number.NEGATIVE_INFINITY;
  #passed = 0;
  #leftOut = 0;
  #timer: Timer | undefined;

  constructor(perSecond: number, clock: Clock, tell: (leftOut: number) => void) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#tell = tell;
  }

  /** May this frame be shown? */
  takes(): boolean {
    const now = this.#clock.now();
    if (now >= this.#ends) {
      this.#account();
      this.#ends = now + SECOND;
      this.#passed = 0;
    }
    if (this.#passed < this.#perSecond) {
      this.#passed += 1;
      return true;
    }
    this.#leftOut += 1;
    this.#timer ??= this.#clock.after(this.#ends - now, () => this.#account());
    return false;
  }

  /** Tells what has not been told yet. */
  stop(): void {
    this.#account();
  }

  #account(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#leftOut > 0) this.#tell(this.#leftOut);
    this.#leftOut = 0;
  }
}
