import type { Clock, Timer } from "../../../runtime/clock.ts";
import { AddressLines } from "./address-lines.ts";

/**
 * TLS handshakes that begin at once, and in one second after that. Each holds the event loop for about a millisecond, with
 * an RSA key for several, and the operator's passes run on the same loop. The API server opens a connection for each call
 * that it has under way, and uses it again.
 */
const BURST = 128;
const A_SECOND = 100;

/** Lets TLS handshakes begin at a bounded rate, one of each address in turn. */
export class Handshakes<T> {
  readonly #clock: Clock;
  readonly #begin: (socket: T) => void;
  readonly #lines = new AddressLines<T>();
  #credit = BURST;
  #at: number;
  #timer: Timer | undefined;

  constructor(clock: Clock, begin: (socket: T) => void) {
    this.#clock = clock;
    this.#begin = begin;
    this.#at = clock.now();
  }

  enter(address: string, socket: T): void {
    this.#lines.add(address, socket);
    this.#go();
  }

  leave(address: string, socket: T): void {
    this.#lines.delete(address, socket);
  }

  #go(): void {
    const now = this.#clock.now();
    this.#credit = Math.min(BURST, this.#credit + ((now - this.#at) * A_SECOND) / 1000);
    this.#at = now;
    while (this.#credit >= 1) {
      const socket = this.#lines.next();
      if (socket === undefined) return;
      this.#credit -= 1;
      this.#begin(socket);
    }
    if (this.#lines.size === 0 || this.#timer !== undefined) return;
    // Rounded up: a timer that comes a moment too early would find nothing to do.
    this.#timer = this.#clock.after(Math.ceil(((1 - this.#credit) * 1000) / A_SECOND), () => {
      this.#timer = undefined;
      this.#go();
    });
  }
}
