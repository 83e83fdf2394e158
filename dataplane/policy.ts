import type { PolicyKind, RenderedOf } from "../api/policies/index.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { once } from "./compile-once.ts";
import type { Descriptors } from "./process/descriptors.ts";
import type { Handshake } from "./opening-handshake.ts";
import type { Identity } from "./identity.ts";
import type { Memory } from "./memory.ts";
import type { RouteMetrics } from "./metrics.ts";
import type { Occupancy } from "./limits/occupancy.ts";
import type { BucketLine, PlaceLine, SharedBucket, SharedLimits } from "./limits/shared-limits.ts";
import type { Subjects } from "./limits/subjects.ts";
import type { Refusal, Termination } from "./rejection.ts";
import type { PlanDraft } from "./tunnel/plan.ts";

/**
 * A policy's settings, compiled once: what the policy does at each step of a connection's life. A step that it takes no
 * part in is absent.
 */
export interface PolicySteps<K extends PolicyKind = PolicyKind> {
  /** Names the policy wherever one of its steps decides. */
  readonly kind: K;
  /** Before the client is identified; cheap. */
  screen?(handshake: Handshake): Refusal | undefined;
  /** What the policy wants of the store before the client is identified; behind `screen` of all policies. */
  screenShared?(handshake: Handshake): Reservation | undefined;
  /** Proves the client's identity. `signal` aborts when the client leaves. */
  authenticate?(handshake: Handshake, signal: AbortSignal): Promise<Identity | Refusal>;
  /** With the identity known, before any backend is dialled. */
  admit?(handshake: Handshake, identity: Identity): Refusal | undefined;
  /** A policy behind this one has refused the handshake at the step `admit`: the store will not be asked. */
  refusedBehind?(handshake: Handshake, identity: Identity): void;
  /** What the policy wants of the store with the identity known; behind `admit` of all policies. */
  admitShared?(handshake: Handshake, identity: Identity): Reservation | undefined;
  /**
   * Does the permission of the session, or of the handshake that was admitted, still hold? Asked after a config change,
   * and once more right before the 101. Must not await anything.
   */
  review?(session: Party): Termination | undefined;
  /**
   * Watches what can change without a config change (time, an issuer's answer) and calls `end`. Starts when the handshake
   * is admitted and when its session opens, and anew after each config change; the returned function stops it.
   */
  watch?(session: Party, end: (termination: Termination) => void): () => void;
  /** What the tunnel holds a session to; called when the session opens and after each config change. */
  plan?(session: Party, draft: PlanDraft): void;
}

/**
 * What one policy wants of the store for one handshake, and what it does with the outcome: one of the three functions is
 * called, once. Its lines are numbered through: those of the buckets, then those of the places.
 */
export interface Reservation {
  readonly buckets: readonly TokenLine[];
  readonly places: readonly PlaceLine[];
  /** The limits count and tell, and refuse nothing. */
  readonly shadow: boolean;
  /** The store has taken all of these lines; another policy's may have refused the handshake. `exceeded`: those of Shadow limits that were exceeded. */
  taken(exceeded: readonly number[]): void;
  /** The store refuses because of this line. `wait`: ms until it is worth another try; 0: not known. */
  refused(line: number, wait: number): Refusal;
  /** The store cannot be asked: the counts of this process decide. */
  alone(): Refusal | undefined;
}

/** One token of a bucket that all pods share. */
export interface TokenLine extends BucketLine {
  /** What this process has borrowed of the bucket; undefined: it borrows nothing, and asks each time. */
  readonly pocket: SharedBucket | undefined;
}

/** The client of a session, or of a handshake that was admitted: what limits count by, and what a permission is for. */
export interface Party {
  /** Of the session; absent: a handshake's. */
  readonly id?: string;
  /** Correlates log lines. */
  readonly requestId: string;
  readonly identity: Identity;
  readonly address: string;
  readonly addressSubject: string;
  /** When the session opened, or the handshake began, on the monotonic clock. */
  readonly openedAt: number;
  /** Remembers what belongs to this one session, such as its own token buckets, over config changes. */
  readonly memory: Memory;
  /** Is told that the credential was checked again, and how that went; absent: nothing is to be told. */
  credentialChecked?(outcome: string): void;
}

/**
 * What a policy may use while it is compiled. Nothing of the config is in it: compiled policies outlive configs, and must
 * not keep the 10,000 keys of an old one in memory.
 */
export interface CompileContext {
  readonly route: { readonly name: string };
  /** Limits count and log, and do not act. */
  readonly shadow: boolean;
  /** Prefix of a limit's keys: the proxy's where the route inherits the policy, else the route's. */
  scope(kind: PolicyKind): string;
  /** Outlives config changes; shared by the routes of one proxy. */
  readonly memory: Memory;
  /** Sessions and handshakes under way, counted by subject. */
  readonly occupancy: Occupancy;
  /** The subjects that all limits of the process remember. */
  readonly subjects: Subjects;
  /** Counts over all pods; undefined: each pod counts for itself. */
  readonly shared: SharedLimits | undefined;
  /** Where questions to identity providers count their sockets. */
  readonly descriptors: Pick<Descriptors, "ask">;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: RouteMetrics;
}

/** A policy that depends on nothing but its settings: all routes with the same settings share its steps. */
export function ofSettings<K extends PolicyKind>(
  kind: K,
  compile: (settings: RenderedOf<K> & object) => Omit<PolicySteps<K>, "kind">,
): (settings: RenderedOf<K> & object, context: CompileContext) => PolicySteps<K> {
  return (settings, { memory }) => once(memory, kind, settings, () => ({ kind, ...compile(settings) }));
}

/** Compiles the settings of a policy. The result is reused as long as settings and context stay the same (`snapshot.ts`). */
export type PolicyCompiler<K extends PolicyKind> = (settings: RenderedOf<K>, context: CompileContext) => PolicySteps<K>;
