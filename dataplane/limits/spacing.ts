/** How much longer a flow waits for its turn than for the tokens themselves, in ms. */
const MOST_LONGER = 1000;
/** Multiples of it modulo 1 are spread evenly, however many there are. */
const GOLDEN = 0.618_033_988_75;

/**
 * The turns of flows that wait for one bucket: they try again one after the other, as fast as the bucket fills, and not all
 * in the moment in which it has one token. Where more wait than can have a turn soon, the others look again from time to
 * time. Times in ms.
 */
export class Spacing {
  /** Before that all turns are given away, on the monotonic clock. */
  #next = 0;
  #late = 0;

  /** When a flow is to try again, from now on. `wait`: until its tokens are there; `refill`: in which as many come again. */
  turn(wait: number, refill: number, now: number): number {
    const longer = Math.max(0, this.#next - now - wait);
    if (longer > MOST_LONGER) {
      this.#late += GOLDEN;
      return wait + (MOST_LONGER * (1 + (this.#late % 1))) / 2;
    }
    this.#next = now + wait + longer + refill;
    return wait + longer;
  }

  /** The bucket fills at another rate: turns that were given away do not count. */
  reset(): void {
    this.#next = 0;
  }
}
