import type { Clock, Timer } from "../../../../runtime/clock.ts";

/** A timer that fires so much later, in ms, tells that the process was busy itself. */
const BUSY = 5;
/** How often a busy process waits on. */
const MOST_BUSY = 4;

/**
 * A time-out for answers over a socket. Timers run before sockets are read: after a busy moment of the process the answer
 * may lie unread. So a timer that is late is armed again, and one on time fires behind the reading of sockets.
 */
export class Deadline implements Timer {
  readonly #clock: Clock;
  readonly #left: () => number;
  readonly #least: number;
  readonly #missed: () => void;
  #timer: Timer;
  #due = 0;
  #busy = 0;
  #over = false;

  /** `left`: ms from now; it may grow. `least`: ms for an answer after a busy moment. `missed` is called once. */
  constructor(clock: Clock, left: () => number, least: number, missed: () => void) {
    this.#clock = clock;
    this.#left = left;
    this.#least = least;
    this.#missed = missed;
    this.#timer = this.#arm(left());
  }

  cancel(): void {
    this.#over = true;
    this.#timer.cancel();
  }

  #arm(ms: number): Timer {
    this.#due = this.#clock.now() + ms;
    return (this.#timer = this.#clock.after(ms, () => this.#look()));
  }

  #look(): void {
    if (this.#over) return;
    const late = this.#clock.now() - this.#due > BUSY;
    if (late && (this.#busy += 1) <= MOST_BUSY) this.#arm(Math.max(this.#least, this.#left()));
    else if (!this.#waitsOn()) setImmediate(() => this.#afterReading());
  }

  #afterReading(): void {
    if (this.#over || this.#waitsOn()) return;
    this.#over = true;
    this.#missed();
  }

  #waitsOn(): boolean {
    const left = this.#left();
    if (left <= 1) return false;
    this.#arm(left);
    return true;
  }
}
