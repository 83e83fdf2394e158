/** How a bucket fills: `limit` tokens in each `interval` (ms), evenly; at most `burst` at once. */
export interface BucketShape {
  readonly limit: number;
  readonly interval: number;
  readonly burst: number;
}

/** A token bucket on a monotonic clock that is given with each call, in ms; a clock that steps back gives nothing and takes nothing. */
export class TokenBucket {
  #shape: BucketShape;
  #tokens: number;
  #at: number;

  constructor(shape: BucketShape, now: number) {
    this.#shape = shape;
    this.#tokens = shape.burst;
    this.#at = now;
  }

  /** Tokens there are now; negative while a debt is being paid. */
  available(now: number): number {
    if (now > this.#at) {
      const { limit, interval, burst } = this.#shape;
      // Whole tokens are exact at their instant: what rounding leaves short of one by a millionth counts as one.
      const filled = this.#tokens + ((now - this.#at) * limit) / interval;
      const whole = Math.round(filled);
      this.#tokens = Math.min(burst, Math.abs(filled - whole) < 1e-6 ? whole : filled);
      this.#at = now;
    }
    return this.#tokens;
  }

  /** Takes `n` tokens if they are there. */
  take(n: number, now: number): boolean {
    if (this.available(now) < n) return false;
    this.#tokens -= n;
    return true;
  }

  /** Takes `n` tokens whether they are there or not: a debt is paid before anything else is given. */
  force(n: number, now: number): void {
    this.available(now);
    this.#tokens -= n;
  }

  /** Milliseconds until `n` tokens are there; for more than the burst, until the bucket is full. */
  wait(n: number, now: number): number {
    const missing = Math.min(n, this.#shape.burst) - this.available(now);
    return missing <= 0 ? 0 : (missing * this.#shape.interval) / this.#shape.limit;
  }

  /** Changes the shape; what is in the bucket stays, up to the new burst. */
  reshape(shape: BucketShape, now: number): void {
    const tokens = this.available(now);
    this.#shape = shape;
    this.#tokens = Math.min(tokens, shape.burst);
  }
}
