import type { Socket } from "node:net";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { progressOf } from "./pressure.ts";

/** Between two looks at what a receiver has not taken, in ms. */
const LOOK = 250;

/** How long a tunnel that has ended still waits for its peers, before they are hung up on. */
export class Linger {
  readonly #clock: Clock;
  readonly #over: () => void;
  #timer: Timer | undefined;
  #settled = false;

  /** `over`: the wait has an end. */
  constructor(clock: Clock, over: () => void) {
    this.#clock = clock;
    this.#over = over;
  }

  /** This long and no longer, whatever comes; only the first call counts. */
  for(ms: number): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#wait(ms, this.#over);
  }

  /** This long from when the receivers have taken all that was written to them; for `patience` at most, if they take nothing. */
  behind(receivers: readonly Socket[], ms: number, patience: number): void {
    if (!this.#settled) this.#look(receivers, ms, Math.max(ms, patience), "", this.#clock.now());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #look(receivers: readonly Socket[], ms: number, patience: number, before: string, since: number): void {
    const waiting = receivers.filter((socket) => !socket.destroyed && socket.writableLength > 0);
    if (waiting.length === 0) return this.#wait(ms, this.#over);
    const now = this.#clock.now();
    const state = waiting.map(progressOf).join();
    const from = state === before ? since : now;
    if (now - from >= patience) return this.#over();
    this.#wait(LOOK, () => this.#look(receivers, ms, patience, state, from));
  }

  #wait(ms: number, then: () => void): void {
    this.stop();
    this.#timer = this.#clock.after(ms, then);
  }
}
