import type { Clock } from "../../runtime/clock.ts";
import type { SharedLimits } from "../limits/shared-limits.ts";
import type { PolicyKind } from "../../api/policies/index.ts";
import type { PolicySteps, Reservation } from "../policy.ts";
import type { Refusal } from "../rejection.ts";
import { take, type Question } from "./take.ts";
import type { Turns } from "../../runtime/loop/turns.ts";

/** Seconds that a client is told to wait while the store does not answer. */
const RETRY_AFTER = 5;

/** The counts over all pods, as handshakes ask them. */
export interface Asking {
  readonly clock: Clock;
  /** Those in force; undefined: each pod counts for itself. */
  readonly shared: SharedLimits | undefined;
  /** Asks when it is the handshake's turn: of a crowd that comes at once not all ask at the same time. */
  readonly turns: Pick<Turns, "take">;
}

/** What a policy wants of the store. */
export interface Wanted extends Reservation {
  readonly kind: PolicyKind;
}

/** How a question to the store ended. */
export interface Reserved {
  /** Why the handshake is refused. */
  readonly refusal: Refusal | undefined;
  /** What the store knows: it has the places, it has none of them, or it may have them. */
  readonly places: "Taken" | "None" | "Unknown";
}

/** What the policies of a chain want of the store at one step. */
export function wantedBy(
  chain: readonly PolicySteps[],
  ask: (policy: PolicySteps) => Reservation | undefined,
): readonly Wanted[] {
  return chain.flatMap((policy) => {
    const wanted = ask(policy);
    return wanted === undefined ? [] : [{ ...wanted, kind: policy.kind }];
  });
}

/**
 * Asks the store once for all that the policies of a handshake want; `counted`: keys under which the handshake counts for
 * limits of other routes. The question is sent before the first await.
 */
export async function reserve(
  wanted: readonly Wanted[],
  counted: readonly string[],
  asking: Asking,
): Promise<Reserved> {
  const answer = await take(questionOf(wanted, counted, asking.clock), asking.shared);
  // The config may have changed meanwhile: without a store there is none to refuse for.
  if (answer === undefined) return { refusal: alone(wanted, asking.shared), places: "Unknown" };
  if (answer.kind === "in") {
    tell(wanted, answer.exceeded);
    return { refusal: undefined, places: "Taken" };
  }
  const at = policyOf(wanted, answer.line);
  if (at === undefined) throw new Error(`the store refuses line ${answer.line}, which has no limit`);
  return { refusal: { ...at.of.refused(at.line, answer.wait), policy: at.of.kind }, places: "None" };
}

/**
 * Tells the store of places that the process has left; `certain`: the store had them. Else it is told anew how many the
 * process has.
 */
export function giveBack(keys: readonly string[], limits: SharedLimits | undefined, certain: boolean): void {
  if (limits === undefined) return;
  const needed = limits.places.needed(keys);
  if (needed.length === 0) return;
  if (certain) limits.places.give(needed);
  else limits.places.mark(needed);
}

/** The refusal where a limit needs a store that does not answer, and is not to count without it. */
export function unavailable(policy: PolicyKind, limits: SharedLimits | undefined): Refusal | undefined {
  if (limits?.whenUnavailable !== "Refuse") return undefined;
  return { reason: "StoreUnavailable", retryAfter: RETRY_AFTER, policy };
}

function questionOf(wanted: readonly Wanted[], counted: readonly string[], clock: Clock): Question {
  const places = wanted.flatMap((one) => one.places);
  const limited = new Set(places.map(({ key }) => key));
  const others = counted.filter((key) => !limited.has(key)).map((key) => ({ key, limit: undefined }));
  return {
    buckets: wanted.flatMap((one) => one.buckets),
    places: [...places, ...others],
    shadow: wanted.every((one) => one.shadow),
    now: () => clock.now(),
  };
}

/** What this process decides by itself. Limits in Shadow refuse nothing, so they need no store to admit a client. */
function alone(wanted: readonly Wanted[], limits: SharedLimits | undefined): Refusal | undefined {
  for (const one of wanted) {
    const refusal = (one.shadow ? undefined : unavailable(one.kind, limits)) ?? one.alone();
    if (refusal !== undefined) return { policy: one.kind, ...refusal };
  }
  return undefined;
}

function tell(wanted: readonly Wanted[], exceeded: readonly number[]): void {
  const found = exceeded.flatMap((line) => policyOf(wanted, line) ?? []);
  for (const one of wanted) one.taken(found.filter(({ of }) => of === one).map(({ line }) => line));
}

/** The policy of a line of the question, and which of its own lines it is. */
function policyOf(wanted: readonly Wanted[], line: number): { readonly of: Wanted; readonly line: number } | undefined {
  let left = line;
  for (const of of wanted) {
    if (left < of.buckets.length) return { of, line: left };
    left -= of.buckets.length;
  }
  for (const of of wanted) {
    if (left < of.places.length) return { of, line: of.buckets.length + left };
    left -= of.places.length;
  }
  return undefined;
}
