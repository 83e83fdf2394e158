import type { BackendConfig, Config } from "../../../api/config.ts";
import type { LabelSelector } from "../../../api/policies/authentication.ts";
import type { Found, Lookup, ReferenceProblem } from "./lookup.ts";
import type { RenderedOf } from "../../../api/policies/index.ts";
import type { Unread } from "../resources.ts";

type Authentication = RenderedOf<"authentication">;

/**
 * What stands for an object that is there and cannot be read: what the config in force has of it, found by `kept`, and a
 * problem. Nobody has taken a permission away, so none is lost; undefined: the object was read, or is not there.
 */
export function unreadFound<T>(
  kind: Unread["kind"],
  name: string,
  at: string,
  lookup: Lookup,
  kept: (inForce: Config) => T | undefined,
): Found<T> | undefined {
  const unread = lookup.unread.find((it) => it.kind === kind && it.metadata.name === name);
  if (unread === undefined) return undefined;
  return { value: lookup.inForce && kept(lookup.inForce), problems: [unreadProblem(unread, at, lookup)] };
}

/** Of several; those that the budget left out in one sentence. */
export function unreadProblems(unread: readonly Unread[], at: string, lookup: Lookup): ReferenceProblem[] {
  const [first, ...more] = unread.filter(({ beyond }) => beyond !== undefined);
  const refused = unread.filter(({ beyond }) => beyond === undefined).map((it) => unreadProblem(it, at, lookup));
  return first === undefined ? refused : [...refused, beyondProblem(first, more.length, at, lookup)];
}

function beyondProblem(
  { kind, metadata, beyond }: Unread,
  more: number,
  at: string,
  { self }: Lookup,
): ReferenceProblem {
  const which = `${kind} ${metadata.name}${more === 0 ? " is" : ` and ${more} more are`}`;
  return {
    reason: "TooLarge",
    message: `${which} not read: ${beyond}. What was in force of it stays`,
    at,
    object: self,
  };
}

export function unreadProblem(unread: Unread, at: string, lookup: Lookup): ReferenceProblem {
  if (unread.beyond !== undefined) return beyondProblem(unread, 0, at, lookup);
  const { kind, metadata, forbidden, words } = unread;
  const but = forbidden ? "the operator may not read it; give it that right again" : "cannot be read";
  const message = `${kind} ${metadata.name} is there, but ${but}. What was in force of it stays. The API server says: ${words}`;
  return { reason: kind === "Secret" ? "SecretInvalid" : "ConfigMapInvalid", message, at, object: lookup.self };
}

export function backendsOf({ routes }: Config): readonly BackendConfig[] {
  return routes.flatMap(({ backends }) => backends);
}

export function authenticationsOf({ policies }: Config): readonly Authentication[] {
  return policies.authentication ?? [];
}

/** The keys in force of a selector; of another one they are other people's. */
export function keysInForce(
  selector: LabelSelector,
  { inForce }: Lookup,
): NonNullable<Authentication["apiKey"]>["keys"] {
  const text = textOf(selector);
  const same = inForce && authenticationsOf(inForce).find(({ apiKey }) => textOf(apiKey?.secretSelector) === text);
  return same?.apiKey?.keys ?? [];
}

/** The same for selectors that differ in the order of their labels only, as whoever stored them may have sorted them. */
function textOf(selector: LabelSelector | undefined): string {
  const byKey = ([a]: [string, string], [b]: [string, string]): number => (a < b ? -1 : 1);
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => [key, operator, values]);
  return JSON.stringify([selector === undefined, Object.entries(matchLabels).sort(byKey), expressions]);
}
