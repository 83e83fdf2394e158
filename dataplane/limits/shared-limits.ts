import type { Tokens } from "./tokens.ts";
import type { BucketShape } from "./token-bucket.ts";

/** What limits count over all pods of a proxy, and what decides while the store cannot be asked. */
export interface SharedLimits {
  /** The store can be asked now. */
  readonly available: boolean;
  readonly whenUnavailable: "PerPod" | "Refuse";
  readonly places: SharedPlaces;
  readonly pockets: SharedBuckets;
}

/** A place among the open sessions under one key of the occupancy. */
export interface PlaceLine {
  readonly key: string;
  /** Sessions at most; undefined: only counted, since a limit of another route needs the subject. */
  readonly limit: number | undefined;
}

/** One token of a bucket that all pods share. */
export interface BucketLine {
  /** Names limit and subject; the same in every pod. */
  readonly name: string;
  readonly shape: BucketShape;
}

/** One question before a handshake goes on. */
export interface TakeLines {
  readonly buckets: readonly BucketLine[];
  readonly places: readonly PlaceLine[];
  /** The limits count and tell, and refuse nothing. */
  readonly shadow: boolean;
}

/** Lines are numbered through: those of the buckets, then those of the places. */
export type TakeAnswer =
  /** `exceeded`: lines of shadow limits that were exceeded. */
  | { readonly kind: "in"; readonly exceeded: readonly number[] }
  /** `wait`: ms until the bucket has a token; 0 of a place. No place was taken; tokens were, unless a bucket refuses. */
  | { readonly kind: "refused"; readonly line: number; readonly wait: number };

/** Places among the open sessions, over all pods. The occupancy of the process is what the process holds. */
export interface SharedPlaces {
  /** Of these keys of the occupancy, those that a limit in force counts. */
  needed(keys: readonly string[]): string[];
  /** Takes tokens, all or none, and then places, all or none. The caller has entered the occupancy. Rejects with Unavailable only. */
  take(lines: TakeLines): Promise<TakeAnswer>;
  /** Gives places back that were taken. The caller has left the occupancy. */
  give(keys: readonly string[]): void;
  /** Places that were taken, or given up, without the store: their counts are written anew once it can be asked. */
  mark(keys: readonly string[]): void;
  /** The kinds of subjects that the limits in force count (`kindOf` a key): what is new is published at once. */
  needs(kinds: ReadonlySet<string>): void;
}

/** Buckets that all pods share, each with what this process has borrowed of it. */
export interface SharedBuckets {
  /** `name`: as in a BucketLine. Each call makes what this process borrows into: a caller keeps it (`recallShared`). */
  bucket(name: string, shape: BucketShape, now: number): SharedBucket;
}

/** One bucket that all pods share. */
export interface SharedBucket extends Tokens {
  reshape(shape: BucketShape, now: number): void;
  /** The store cannot be asked, or has just failed this bucket: one of the process's own decides. */
  alone(now: number): boolean;
  /** Takes one token, which may come back; undefined: none is here. The caller ends the loan. */
  lend(now: number): Loan | undefined;
}

/** A token of which it is not known yet whether it is used. */
export interface Loan {
  /** The token is used, or comes back. Called once. */
  end(used: boolean): void;
}
