import type { BucketShape } from "../token-bucket.ts";

/** Below this burst nothing is held ahead of need: what one pod held, the others would miss at once. */
const LEAST_BURST = 50;
/** So many tokens are held ahead at least, up to a quarter of the burst. */
const LEAST_AHEAD = 12;
/** Own use in so many ms is held ahead. */
const HORIZON = 100;
/** Use is measured over so many ms at least. */
const MEASURED = 50;
/** Tokens that are left at least when more is asked for. */
const LAST = 2;
/** More is asked for when what is left lasts for so many ms. */
const LOW = 300;
/** A message waits so long at most for a bucket that has just run empty, in ms. */
export const PAUSE = 30;

/** How much of a shared bucket a process uses, and so how much of it should be at hand. */
export class Demand {
  #shape: BucketShape;
  #used = 0;
  #since = Number.NaN;
  /** Tokens per ms. */
  #rate = 0;
  /** Tokens that should be at hand. */
  ahead = 0;

  constructor(shape: BucketShape, now: number) {
    this.#shape = shape;
    this.#since = now;
    this.ahead = this.#reckon();
  }

  used(n: number): void {
    this.#used += n;
  }

  /** Called before the store is asked. */
  measure(now: number): void {
    const time = now - this.#since;
    if (time < MEASURED) return;
    this.#rate = (this.#rate + this.#used / time) / 2;
    this.#used = 0;
    this.#since = now;
    this.ahead = this.#reckon();
  }

  /** What is ever held ahead. */
  get #most(): number {
    const { burst } = this.#shape;
    return burst < LEAST_BURST ? 0 : Math.floor(burst / 4);
  }

  reshape(shape: BucketShape): void {
    this.#shape = shape;
    this.ahead = this.#reckon();
  }

  /** ms until an empty bucket is worth another question; `wait`: as the store said. */
  pause(wait: number): number {
    const { limit, interval, burst } = this.#shape;
    return Math.max(wait, Math.min(PAUSE, (burst * interval) / limit / 8));
  }

  /**
   * With fewer tokens than these at hand it is time to ask for more: `half` of what is held, or less where use is slow.
   * `more`: what was used besides, of which `used` is told later.
   */
  low(half: number, more: number, now: number): number {
    return Math.min(half, Math.max(LAST, Math.ceil(LOW * this.#rateAt(more, now))));
  }

  /** For how many ms `left` tokens last. */
  lasts(left: number, more: number, now: number): number {
    return left / this.#rateAt(more, now);
  }

  #rateAt(more: number, now: number): number {
    return Math.max(this.#rate, (this.#used + more) / Math.max(MEASURED, now - this.#since));
  }

  #reckon(): number {
    const wanted = Math.max(LEAST_AHEAD, this.#shape.burst / 16, this.#rate * HORIZON);
    return Math.min(this.#most, Math.ceil(wanted));
  }
}
