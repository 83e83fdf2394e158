import type { Clock } from "../../runtime/clock.ts";
import type { Memory } from "../memory.ts";
import { Recent } from "./recent.ts";
import type { SharedBucket, SharedBuckets } from "./shared-limits.ts";
import { isShared, type SessionPer } from "./subject.ts";
import type { Subjects, SubjectTable } from "./subjects.ts";
import { TokenBucket, type BucketShape } from "./token-bucket.ts";
import type { Tokens } from "./tokens.ts";

/** A bucket of one subject, of this process or of all pods. */
export interface Bucket extends Tokens {
  reshape(shape: BucketShape, now: number): void;
}

/** Makes the bucket of a subject. */
type Make<B> = (subject: string, shape: BucketShape, now: number) => B;

/** The token buckets of one limit: one for each subject, made when the subject is first seen. */
export interface Buckets<B extends Bucket = TokenBucket> {
  readonly shape: BucketShape;
  /** A changed limit applies at once to every subject; the tokens that are left stay, up to the new burst. */
  reshape(shape: BucketShape, now: number): void;
  of(subject: string, now: number): B;
}

/** What the buckets of a limit are made with. */
export interface BucketContext {
  readonly memory: Memory;
  readonly subjects: Subjects;
  readonly clock: Clock;
}

/** The room of a subject of which this process borrows tokens, in that of a bucket of its own: about 900 bytes. */
const BORROWER = 3;

/** Makes buckets of this process. */
export const local: Make<TokenBucket> = (_subject, shape, now) => new TokenBucket(shape, now);

/**
 * The buckets of a limit as they were before a config change; its new shape applies when the config takes force. Under one
 * key all are made in the same way.
 */
export function recallBuckets(key: string, per: SessionPer, shape: BucketShape, context: BucketContext): Buckets {
  return recallMade(key, per, shape, context, local, 1);
}

/** The same, of buckets that all pods share: they are of those that take part in `shared` now. */
export function recallShared(
  key: string,
  per: SessionPer,
  shape: BucketShape,
  context: BucketContext,
  shared: SharedBuckets,
  nameOf: (subject: string) => string,
): Buckets<SharedBucket> {
  const make: Make<SharedBucket> = (subject, its, now) => shared.bucket(nameOf(subject), its, now);
  return recallMade(`shared ${key}`, per, shape, context, make, BORROWER);
}

function recallMade<B extends Bucket>(
  key: string,
  per: SessionPer,
  shape: BucketShape,
  { memory, subjects, clock }: BucketContext,
  make: Make<B>,
  room: number,
): Buckets<B> {
  const fresh = (): Buckets<B> =>
    isShared(per) ? new OneBucket(shape, make) : new BucketTable(shape, subjects, make, room);
  const buckets = memory.recall(key, fresh);
  memory.onCommit(() => {
    if (!isSame(buckets.shape, shape)) buckets.reshape(shape, clock.now());
  });
  return buckets;
}

/** The bucket of a limit with one subject, such as a route. */
export class OneBucket<B extends Bucket = TokenBucket> implements Buckets<B> {
  readonly #make: Make<B>;
  #shape: BucketShape;
  #bucket: B | undefined;

  constructor(shape: BucketShape, make: Make<B>) {
    this.#shape = shape;
    this.#make = make;
  }

  get shape(): BucketShape {
    return this.#shape;
  }

  reshape(shape: BucketShape, now: number): void {
    this.#shape = shape;
    this.#bucket?.reshape(shape, now);
  }

  of(_subject: string, now: number): B {
    return (this.#bucket ??= this.#make("", this.#shape, now));
  }
}

/**
 * The buckets of a limit with many subjects. The least recently seen subject is forgotten first: a flood of addresses may
 * get a full bucket anew, but never more memory.
 */
export class BucketTable<B extends Bucket = TokenBucket> implements Buckets<B>, SubjectTable, Disposable {
  readonly #all: Subjects;
  readonly #make: Make<B>;
  readonly #buckets = new Recent<B>();
  readonly room: number;
  #shape: BucketShape;
  #over = false;

  /** `room`: see SubjectTable. */
  constructor(shape: BucketShape, all: Subjects, make: Make<B>, room = 1) {
    this.room = room;
    this.#shape = shape;
    this.#all = all;
    this.#make = make;
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

  of(subject: string, now: number): B {
    const known = this.#buckets.get(subject);
    if (known !== undefined) return known;
    const bucket = this.#make(subject, this.#shape, now);
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
