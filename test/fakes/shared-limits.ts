import type { StoreConfig } from "../../api/config.ts";
import { kindOf, type Occupancy } from "../../dataplane/limits/occupancy.ts";
import type {
  BucketLine,
  Loan,
  SharedBucket,
  SharedBuckets,
  SharedPlaces,
  TakeAnswer,
  TakeLines,
} from "../../dataplane/limits/shared-limits.ts";
import type { Store } from "../../dataplane/limits/store-in-force.ts";
import { Unavailable } from "../../dataplane/limits/store/link.ts";
import { TokenBucket, type BucketShape } from "../../dataplane/limits/token-bucket.ts";
import type { FakeClock } from "./clock.ts";

/** What a store knows of all pods, in memory: one truth for several `FakeStore`s. */
export class StoreTruth {
  readonly clock: FakeClock;
  /** By key, by pod. */
  readonly places = new Map<string, Map<object, number>>();
  readonly buckets = new Map<string, TokenBucket>();

  constructor(clock: FakeClock) {
    this.clock = clock;
  }

  /** Places under a key, over all pods. */
  held(key: string): number {
    return [...(this.places.get(key)?.values() ?? [])].reduce((sum, n) => sum + n, 0);
  }

  /** Places of all pods under all keys. */
  get total(): number {
    return [...this.places.keys()].reduce((sum, key) => sum + this.held(key), 0);
  }

  of(key: string, pod: object): number {
    return this.places.get(key)?.get(pod) ?? 0;
  }

  write(key: string, pod: object, count: number): void {
    const pods = this.places.get(key) ?? new Map<object, number>();
    if (count > 0) pods.set(pod, count);
    else pods.delete(pod);
    if (pods.size > 0) this.places.set(key, pods);
    else this.places.delete(key);
  }

  bucket({ name, shape }: BucketLine): TokenBucket {
    const bucket = this.buckets.get(name) ?? new TokenBucket(shape, this.clock.now());
    bucket.reshape(shape, this.clock.now());
    this.buckets.set(name, bucket);
    return bucket;
  }
}

/** One pod's store: answers as the real one does, when the test lets it. */
export class FakeStore implements Store, SharedPlaces, SharedBuckets {
  readonly truth: StoreTruth;
  readonly #occupancy: Occupancy;
  available = true;
  settled = true;
  whenUnavailable: "PerPod" | "Refuse" = "PerPod";
  /** Answers wait for this, as of a slow store. */
  behind: Promise<void> | undefined;
  /** Questions and answers get lost. */
  silent = false;
  readonly asked: TakeLines[] = [];
  /** Most questions that waited for their answers at a time. */
  most = 0;
  #underWay = 0;
  /** Keys given back, and keys whose counts were told anew. */
  readonly given: string[] = [];
  readonly marked: string[] = [];
  /** Keys given back that this pod did not have. */
  readonly overdrawn: string[] = [];
  readonly configured: StoreConfig[] = [];
  closed = false;
  #kinds: ReadonlySet<string> = new Set();

  constructor(truth: StoreTruth, occupancy: Occupancy) {
    this.truth = truth;
    this.#occupancy = occupancy;
  }

  get places(): SharedPlaces {
    return this;
  }

  get pockets(): SharedBuckets {
    return this;
  }

  configure(settings: StoreConfig): void {
    this.configured.push(settings);
    this.whenUnavailable = settings.whenUnavailable;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.available = false;
    for (const key of [...this.truth.places.keys()]) this.truth.write(key, this, 0);
  }

  needed(keys: readonly string[]): string[] {
    return keys.filter((key) => this.#kinds.has(kindOf(key)));
  }

  needs(kinds: ReadonlySet<string>): void {
    const before = this.#kinds;
    this.#kinds = kinds;
    for (const key of this.truth.places.keys()) if (!kinds.has(kindOf(key))) this.truth.write(key, this, 0);
    this.#publish([...this.#occupancy.keys()].filter((key) => !before.has(kindOf(key))));
  }

  async take(lines: TakeLines): Promise<TakeAnswer> {
    this.asked.push(lines);
    if (this.closed) throw new Unavailable("it was left");
    const answer = this.#answer(lines);
    this.#underWay += 1;
    this.most = Math.max(this.most, this.#underWay);
    await this.behind;
    this.#underWay -= 1;
    if (this.silent || this.closed) throw new Unavailable("the store is silent");
    return answer;
  }

  give(keys: readonly string[]): void {
    this.given.push(...keys);
    for (const key of keys) {
      if (this.truth.of(key, this) === 0) this.overdrawn.push(key);
      this.truth.write(key, this, this.truth.of(key, this) - 1);
    }
  }

  mark(keys: readonly string[]): void {
    this.marked.push(...keys);
    queueMicrotask(() => this.#publish(keys));
  }

  /** The store can be asked again, and all counts are told anew. */
  back(): void {
    this.available = true;
    this.silent = false;
    this.#publish(this.needed([...this.#occupancy.keys()]));
  }

  bucket(name: string, shape: BucketShape): SharedBucket {
    const bucket = this.truth.bucket({ name, shape });
    const lend = (now: number): Loan | undefined =>
      bucket.take(1, now) ? { end: (used) => used || bucket.force(-1, now) } : undefined;
    return Object.assign(bucket, { alone: () => !this.available, lend });
  }

  #publish(keys: readonly string[]): void {
    if (!this.available || this.closed) return;
    for (const key of this.needed(keys)) this.truth.write(key, this, this.#occupancy.of(key));
  }

  #answer({ buckets, places, shadow }: TakeLines): TakeAnswer {
    const now = this.truth.clock.now();
    const tokens = buckets.map((line) => this.truth.bucket(line));
    const exceeded: number[] = [];
    for (const [line, bucket] of tokens.entries()) {
      if (bucket.available(now) >= 1) continue;
      exceeded.push(line);
    }
    const [first] = exceeded;
    const wait = Math.max(...tokens.map((bucket) => bucket.wait(1, now)));
    if (first !== undefined && !shadow) return { kind: "refused", line: first, wait };
    for (const bucket of tokens) bucket.take(1, now);
    for (const [n, { key, limit }] of places.entries()) {
      if (limit === undefined || this.truth.held(key) < limit) continue;
      const line = buckets.length + n;
      if (!shadow) return { kind: "refused", line, wait: 0 };
      exceeded.push(line);
    }
    for (const { key } of places) this.truth.write(key, this, this.truth.of(key, this) + 1);
    return { kind: "in", exceeded };
  }
}
