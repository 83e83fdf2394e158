import type { PolicyKind, RenderedPolicies } from "../api/policies/index.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { once } from "./compile-once.ts";
import type { Descriptors } from "./process/descriptors.ts";
import type { Handshake } from "./opening-handshake.ts";
import type { Identity } from "./identity.ts";
import type { Memory } from "./memory.ts";
import type { RouteMetrics } from "./metrics.ts";
import type { Occupancy } from "./limits/occupancy.ts";
import type { Subjects } from "./limits/subjects.ts";
import type { Refusal, Termination } from "./rejection.ts";
import type { PlanDraft } from "./tunnel/plan.ts";

/** A policy's settings, compiled once: what it does at each step of a connection's life. A step it has no part in is absent. */
export interface PolicySteps {
  /** Before the client is identified; cheap. */
  screen?(handshake: Handshake): Refusal | undefined;
  /** Proves who it is. `signal` aborts when the client leaves. */
  authenticate?(handshake: Handshake, signal: AbortSignal): Promise<Identity | Refusal>;
  /** With the identity known, before any backend is dialled. */
  admit?(handshake: Handshake, identity: Identity): Refusal | undefined;
  /**
   * Does what the session, or the handshake that was admitted, stood on still hold? Asked after a config change, and once
   * more right before the 101. Must not wait for anything.
   */
  review?(session: Party): Termination | undefined;
  /**
   * Watches what can change without a config change (time, an issuer's answer) and calls `end`. Starts when the handshake
   * is admitted and when its session opens, and anew after each config change; the returned function stops it.
   */
  watch?(session: Party, end: (termination: Termination) => void): () => void;
  /** What the tunnel has to hold a session to; called when it opens and after each config change. */
  plan?(session: Party, draft: PlanDraft): void;
}

/** The client of a session, or of a handshake that was admitted: what limits count by and the permission stands on. */
export interface Party {
  /** Correlates log lines. */
  readonly requestId: string;
  readonly identity: Identity;
  readonly address: string;
  readonly addressSubject: string;
  /** When the session opened, or the handshake began, on the monotonic clock. */
  readonly openedAt: number;
  /** Remembers what belongs to this one session, such as its own token buckets, over config changes. */
  readonly memory: Memory;
}

/**
 * What a policy may use while it is compiled. Nothing of the config is in it: what was compiled outlives configs, and must
 * not keep 10,000 keys of an old one.
 */
export interface CompileContext {
  readonly route: { readonly name: string };
  /** Limits only count and log. */
  readonly shadow: boolean;
  /** Counters of an inherited policy are the proxy's, those of a policy of its own the route's: the prefix of their keys. */
  scope(kind: PolicyKind): string;
  /** Outlives config changes; shared by the routes of one proxy. */
  readonly memory: Memory;
  /** Sessions and handshakes under way, counted by subject. */
  readonly occupancy: Occupancy;
  /** What limits with many subjects remember, over all limits of the process. */
  readonly subjects: Subjects;
  /** Where questions to identity providers count their sockets. */
  readonly descriptors: Pick<Descriptors, "ask">;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: RouteMetrics;
}

/** A policy that looks at nothing but its settings: routes that share them share what it does. */
export function ofSettings<S extends object>(
  kind: PolicyKind,
  compile: (settings: S) => PolicySteps,
): (settings: S, context: CompileContext) => PolicySteps {
  return (settings, { memory }) => once(memory, kind, settings, () => compile(settings));
}

/** Settings → enforcement: not compiled again as long as settings and context stay the same. */
export type PolicyCompiler<K extends PolicyKind> = (
  settings: NonNullable<RenderedPolicies[K]>,
  context: CompileContext,
) => PolicySteps;
