import type { Socket } from "node:net";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { Pace } from "./pace.ts";

/** Between two looks at what a receiver has not taken, in ms. */
const LOOK = 250;
/** Of what waits when the session ends, the share that a receiver must take within the patience. */
const SHARE = 0.1;
/** That share makes up the whole in as many times: the wait lasts at most as many times the patience. */
const MOST = 10;

/** A receiver that still has something to take. */
interface Behind {
  readonly socket: Socket;
  readonly pace: Pace;
  /** Bytes that are due within the patience. */
  readonly quota: number;
}

/** `fixed`: the wait ends at a set time, whatever else comes. */
type LingerPhase = "idle" | "forReceivers" | "fixed" | "stopped";

/** How long a session that has ended waits for its peers before the gateway destroys their sockets. */
export class Linger {
  readonly #clock: Clock;
  readonly #timeUp: () => void;
  #phase: LingerPhase = "idle";
  #timer: Timer | undefined;
  /** End of all waits for receivers. */
  #latest: number | undefined;

  constructor(clock: Clock, timeUp: () => void) {
    this.#clock = clock;
    this.#timeUp = timeUp;
  }

  /** Waits this long and no longer; only the first call counts. */
  for(ms: number): void {
    if (this.#phase === "fixed" || this.#phase === "stopped") return;
    this.#phase = "fixed";
    this.#wait(ms, this.#timeUp);
  }

  /**
   * Waits this long from when the receivers have taken all that was written to them; each must take a tenth of it within
   * each `patience` ms. All calls together wait for ten times that at most.
   */
  behind(receivers: readonly Socket[], ms: number, patience: number): void {
    if (this.#phase === "fixed" || this.#phase === "stopped") return;
    this.#phase = "forReceivers";
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
    this.#phase = "stopped";
    this.#timer?.cancel();
  }

  #look(receivers: readonly Behind[], ms: number, patience: number, latest: number): void {
    const now = this.#clock.now();
    const waiting = receivers.filter(({ socket }) => !socket.destroyed && socket.writableLength > 0);
    if (waiting.length === 0) return this.#wait(ms, this.#timeUp);
    const overdue = waiting.some(({ pace, quota }) => pace.owed(quota, now) >= patience);
    if (overdue || now >= latest) return this.#timeUp();
    this.#wait(LOOK, () => this.#look(waiting, ms, patience, latest));
  }

  #wait(ms: number, then: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(ms, then);
  }
}
