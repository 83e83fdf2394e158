import type { Timer } from "../../runtime/clock.ts";
import { Spacing } from "./spacing.ts";
import type { Tokens } from "./tokens.ts";

/** How a bucket fills: `limit` tokens in each `interval` (ms), evenly; at most `burst` at once. */
export interface BucketShape {
  readonly limit: number;
  readonly interval: number;
  readonly burst: number;
}

/** A token bucket of this process. Each call is given the monotonic time in ms; a time before the last one adds and takes nothing. */
export class TokenBucket implements Tokens {
  /** All that there is, is here. */
  get asks(): boolean {
    return false;
  }

  #shape: BucketShape;
  // V8 keeps a number in place only where the field has held nothing but numbers with a fraction.
  #tokens = Number.NaN;
  #at = Number.NaN;
  /** Made when a flow waits: most buckets have none. */
  #spacing: Spacing | undefined;

  constructor(shape: BucketShape, now: number) {
    this.#shape = shape;
    this.#tokens = shape.burst;
    this.#at = now;
  }

  /** Tokens in the bucket now; negative while a debt is being paid. */
  available(now: number): number {
    if (now > this.#at) {
      const { limit, interval, burst } = this.#shape;
      // A token is there at its exact instant: a sum that rounding left a millionth short of a whole number counts as it.
      // Not one that is above: a slow bucket that is asked often would never fill.
      const filled = this.#tokens + ((now - this.#at) * limit) / interval;
      const whole = Math.ceil(filled);
      this.#tokens = Math.min(burst, whole - filled < 1e-6 ? whole : filled);
      this.#at = now;
    }
    return this.#tokens;
  }

  /** Takes `n` tokens, or none if there are fewer. */
  take(n: number, now: number): boolean {
    if (this.available(now) < n) return false;
    this.#tokens -= n;
    return true;
  }

  /** Takes `n` tokens even if there are fewer: the debt is paid before `take` succeeds again. */
  force(n: number, now: number): void {
    this.available(now);
    this.#tokens -= n;
  }

  /** Leaves no more than `to` tokens, which may be a debt: another count of the same subject has fewer. */
  lower(to: number, now: number): void {
    this.#tokens = Math.min(this.available(now), to);
  }

  /** Milliseconds until there are `n` tokens; for more than the burst, until the bucket is full. */
  wait(n: number, now: number): number {
    const missing = Math.min(n, this.#shape.burst) - this.available(now);
    return missing <= 0 ? 0 : (missing * this.#shape.interval) / this.#shape.limit;
  }

  turn(n: number, now: number): number {
    this.#spacing ??= new Spacing();
    const { limit, interval } = this.#shape;
    return this.#spacing.turn(this.wait(n, now), (n * interval) / limit, now);
  }

  /** Changes the shape; what is in the bucket stays, up to the new burst. */
  reshape(shape: BucketShape, now: number): void {
    const tokens = this.available(now);
    this.#shape = shape;
    this.#spacing?.reset();
    this.#tokens = Math.min(tokens, shape.burst);
  }

  /** All that there is, is here. */
  unknown(): boolean {
    return false;
  }

  ask(_n: number, _now: number, answered: () => void): Timer {
    const turn = setImmediate(answered);
    return { cancel: () => clearImmediate(turn) };
  }

  spend(n: number, now: number, short: () => void): void {
    if (!this.take(n, now)) short();
  }

  least(): number {
    return 0;
  }
}
