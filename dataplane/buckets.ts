import { LRUCache } from "lru-cache";
import { TokenBucket, type BucketShape } from "./token-bucket.ts";

/**
 * Subjects that one limit remembers. The least recently seen is forgotten first: a flood of addresses may win a fresh
 * bucket back, but never memory.
 */
const MAX_SUBJECTS = 100_000;

/** The token buckets of one limit, one for each subject, made when it is first seen. */
export class Buckets {
  readonly #subjects = new LRUCache<string, TokenBucket>({ max: MAX_SUBJECTS });
  #shape: BucketShape;

  constructor(shape: BucketShape) {
    this.#shape = shape;
  }

  /** A changed limit applies at once to every subject; what they had left stays, up to the new burst. */
  reshape(shape: BucketShape, now: number): void {
    const { limit, interval, burst } = this.#shape;
    if (limit === shape.limit && interval === shape.interval && burst === shape.burst) return;
    this.#shape = shape;
    for (const bucket of this.#subjects.values()) bucket.reshape(shape, now);
  }

  of(subject: string, now: number): TokenBucket {
    let bucket = this.#subjects.get(subject);
    if (bucket === undefined) {
      bucket = new TokenBucket(this.#shape, now);
      this.#subjects.set(subject, bucket);
    }
    return bucket;
  }
}
