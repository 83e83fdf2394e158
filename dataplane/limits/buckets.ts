import type { Clock } from "../../runtime/clock.ts";
import type { Memory } from "../memory.ts";
import { Recent } from "./recent.ts";
import { isShared, type SessionPer } from "./subject.ts";
import type { Subjects, SubjectTable } from "./subjects.ts";
import { TokenBucket, type BucketShape } from "./token-bucket.ts";

/** The token buckets of one limit: one for each subject, made when the subject is first seen. */
export interface Buckets {
  readonly shape: BucketShape;
  /** A changed limit applies at once to every subject; the tokens that are left stay, up to the new burst. */
  reshape(shape: BucketShape, now: number): void;
  of(subject: string, now: number): TokenBucket;
}

/** What the buckets of a limit are made with. */
export interface BucketContext {
  readonly memory: Memory;
  readonly subjects: Subjects;
  readonly clock: Clock;
}

/** The buckets of a limit as they were before a config change; its new shape applies when the config takes force. */
export function recallBuckets(
  key: string,
  per: SessionPer,
  shape: BucketShape,
  { memory, subjects, clock }: BucketContext,
): Buckets {
  const make = (): Buckets => (isShared(per) ? new OneBucket(shape) : new BucketTable(shape, subjects));
  const buckets = memory.recall(key, make);
  memory.onCommit(() => {
    if (!isSame(buckets.shape, shape)) buckets.reshape(shape, clock.now());
  });
  return buckets;
}

/** The bucket of a limit with one subject, such as a route. */
export class OneBucket implements Buckets {
  #shape: BucketShape;
  #bucket: TokenBucket | undefined;

  constructor(shape: BucketShape) {
    this.#shape = shape;
  }

  get shape(): BucketShape {
    return this.#shape;
  }

  reshape(shape: BucketShape, now: number): void {
    this.#shape = shape;
    this.#bucket?.reshape(shape, now);
  }

  of(_subject: string, now: number): TokenBucket {
    return (this.#bucket ??= new TokenBucket(this.#shape, now));
  }
}

/**
 * The buckets of a limit with many subjects. The least recently seen subject is forgotten first: a flood of addresses may
 * get a full bucket anew, but never more memory.
 */
export class BucketTable implements Buckets, SubjectTable, Disposable {
  readonly #all: Subjects;
  readonly #buckets = new Recent<TokenBucket>();
  #shape: BucketShape;
  #over = false;

  constructor(shape: BucketShape, all: Subjects) {
    this.#shape = shape;
    this.#all = all;
  }

  get shape(): BucketShape {
    return this.#shape;
  }

  get size(): number {
    return this.#buckets.size;
  }

  reshape(shape: BucketShape, now: number): void {
    this.#shape = shape;
    for (const bucket of this.#buckets.values()) bucket.reshape(shape, now);
  }

  of(subject: string, now: number): TokenBucket {
    const known = this.#buckets.get(subject);
    if (known !== undefined) return known;
    const bucket = new TokenBucket(this.#shape, now);
    if (this.#over) return bucket; // a handshake that began before the limit went away
    this.#buckets.set(subject, bucket);
    this.#all.added(this);
    return bucket;
  }

  forgetOldest(): void {
    this.#buckets.dropOldest();
  }

  /** The limit is in no config any more. */
  [Symbol.dispose](): void {
    if (this.#over) return;
    this.#over = true;
    this.#all.removed(this);
  }
}

function isSame(one: BucketShape, other: BucketShape): boolean {
  return one.limit === other.limit && one.interval === other.interval && one.burst === other.burst;
}
