import type { Clock, Timer } from "../../runtime/clock.ts";

/** The time for a request head: it runs while the gateway waits for the client, and stands still while the client waits for the gateway. */
export class HeadTimer {
  readonly #clock: Clock;
  readonly #over: () => void;
  #left: number;
  #ends = 0;
  #timer: Timer | undefined;

  /** `time` in ms; `over` is called when it has run for so long. */
  constructor(clock: Clock, time: number, over: () => void) {
    this.#clock = clock;
    this.#left = time;
    this.#over = over;
  }

  /** Does it run? Also true once the time is over. */
  get running(): boolean {
    return this.#timer !== undefined;
  }

  run(): void {
    if (this.#timer !== undefined) return;
    this.#ends = this.#clock.now() + this.#left;
    this.#timer = this.#clock.after(this.#left, this.#over);
  }

  hold(): void {
    if (this.#timer === undefined) return;
    this.#timer.cancel();
    this.#timer = undefined;
    this.#left = Math.max(1, this.#ends - this.#clock.now());
  }
}
