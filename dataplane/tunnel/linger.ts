import type { Socket } from "node:net";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { Pace } from "./pace.ts";

/** Between two looks at what a receiver has not taken, in ms. */
const LOOK = 250;
/** Of what waits when the tunnel ends, the share that a receiver must take within the patience. */
const SHARE = 0.1;
/** As often as that share makes up the whole: the wait may last as many times the patience, whatever happens meanwhile. */
const MOST = 10;

/** A receiver that still has something to take. */
interface Behind {
  readonly socket: Socket;
  readonly pace: Pace;
  /** Bytes that are due within the patience. */
  readonly quota: number;
}

/** How long a tunnel that has ended still waits for its peers, before they are hung up on. */
export class Linger {
  readonly #clock: Clock;
  readonly #over: () => void;
  #timer: Timer | undefined;
  #settled = false;
  /** End of the wait for receivers that are behind. */
  #latest: number | undefined;

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

  /**
   * This long from when the receivers have taken all that was written to them; each must take a tenth of it within each
   * `patience` ms. All calls together wait for ten times that at most.
   */
  behind(receivers: readonly Socket[], ms: number, patience: number): void {
    if (this.#settled) return;
    const now = this.#clock.now();
    const longest = Math.max(ms, patience);
    this.#latest ??= now + MOST * longest;
    const behind = receivers.map((socket) => {
      const pace = new Pace(socket);
      pace.begin(now);
      return { socket, pace, quota: SHARE * socket.writableLength };
    });
    this.#look(behind, ms, longest, this.#latest);
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #look(receivers: readonly Behind[], ms: number, patience: number, latest: number): void {
    const now = this.#clock.now();
    const waiting = receivers.filter(({ socket }) => !socket.destroyed && socket.writableLength > 0);
    if (waiting.length === 0) return this.#wait(ms, this.#over);
    const late = waiting.some(({ pace, quota }) => pace.owed(quota, now) >= patience);
    if (late || now >= latest) return this.#over();
    this.#wait(LOOK, () => this.#look(waiting, ms, patience, latest));
  }

  #wait(ms: number, then: () => void): void {
    this.stop();
    this.#timer = this.#clock.after(ms, then);
  }
}
