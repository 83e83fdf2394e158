import { bundleOf, casIn, spelledCa } from "./bundle.ts";
import { isOutOfTime, type Pair } from "./pair.ts";
import type { StoredPairs } from "./stored-pairs.ts";

/** What a leader knows when it decides. */
export interface Situation {
  /** Wall clock, ms. */
  readonly now: number;
  readonly stored: StoredPairs;
  /** What this process serves. */
  readonly served: Pair | undefined;
  /** The bundle in the webhook configuration, as PEM; undefined: there is no such webhook. */
  readonly bundle: string | undefined;
  /** For how long this process has seen the pairs and the bundle as they are now; ms. */
  readonly unchangedFor: number;
}

/** What to do next. */
export type NextStep =
  /** Make a pair, and store it as the next one. */
  | { readonly kind: "Issue" }
  /** Write this bundle. */
  | { readonly kind: "Trust"; readonly bundle: string }
  /** The next pair becomes the one that replicas serve. */
  | { readonly kind: "Promote" }
  /** Nothing, for as many ms if nothing changes. */
  | { readonly kind: "Rest"; readonly lookAgainAfter: number };

/** A pair is renewed so long before its end: the time to mend what prevents it; ms. */
const RENEWED_BEFORE = 30 * 24 * 3_600_000;
/** From a new CA in the bundle until its pair is promoted, so that every API server has read the bundle; ms. */
const BUNDLE_SETTLES = 60_000;
/** From a promotion until the CA before it leaves the bundle, so that every replica has read the Secret; ms. */
const REPLICAS_SETTLE = 600_000;
/** CAs that are kept in the bundle beside those of the stored pairs. */
const MOST_KEPT = 4;
/** Longest rest while nothing waits: the time of the next renewal is judged by the wall clock, which may be set; ms. */
const LONGEST_REST = 3_600_000;

/**
 * One step of the life of the webhook's certificate. Each step can be repeated, and each state between two steps is one in
 * which the API server trusts what every replica serves.
 */
export function nextStep({ now, stored, served, bundle, unchangedFor }: Situation): NextStep {
  const current = inTime(stored.current, now);
  const next = inTime(stored.next, now);
  if (next === undefined && (current === undefined || isDue(current, now))) return { kind: "Issue" };
  if (bundle === undefined) return { kind: "Rest", lookAgainAfter: LONGEST_REST };

  const wanted = [current, next].flatMap((pair) => (pair === undefined ? [] : [spelledCa(pair.ca)]));
  // A CA in the bundle may be that of a pair that another replica still serves.
  const settled = next === undefined && unchangedFor >= REPLICAS_SETTLE;
  const before = settled ? [] : [...(served === undefined ? [] : [spelledCa(served.ca)]), ...casIn(bundle, now)];
  const kept = [...new Set(before)].filter((ca) => !wanted.includes(ca)).slice(0, MOST_KEPT);
  const right = bundleOf([...wanted, ...kept]);
  if (right !== bundle) return { kind: "Trust", bundle: right };

  if (next !== undefined) {
    const wait = BUNDLE_SETTLES - unchangedFor;
    return wait <= 0 ? { kind: "Promote" } : { kind: "Rest", lookAgainAfter: wait };
  }
  const wait = kept.length > 0 || current === undefined ? REPLICAS_SETTLE - unchangedFor : dueAt(current) - now;
  return { kind: "Rest", lookAgainAfter: Math.min(wait, LONGEST_REST) };
}

function inTime(pair: Pair | undefined, now: number): Pair | undefined {
  return pair === undefined || isOutOfTime(pair, now) ? undefined : pair;
}

/** A pair that another issuer made is renewed at once: we do not know for what else its CA stands. */
function isDue(pair: Pair, now: number): boolean {
  return !pair.own || now >= dueAt(pair);
}

function dueAt({ notAfter }: Pair): number {
  return notAfter - RENEWED_BEFORE;
}
