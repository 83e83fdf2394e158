import type { BackendConfig, Config } from "../../../api/config.ts";
import type { LabelSelector } from "../../../api/policies/api-key-method.ts";
import type { Found, Lookup, ReferenceProblem } from "./lookup.ts";
import type { RenderedOf } from "../../../api/policies/index.ts";
import type { Unread } from "../resources.ts";

/** User name and password. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

type Authentication = RenderedOf<"authentication">;

/**
 * The last good value of an object that exists and was not read, with a problem: `find` takes it from the config in force.
 * The object was not deleted, so no permission that stands on it is lost. undefined: the object was read, or does not exist.
 */
export function lastGoodFound<T>(
  kind: Unread["kind"],
  name: string,
  at: string,
  lookup: Lookup,
  find: (inForce: Config) => T | undefined,
): Found<T> | undefined {
  const unread = lookup.unreadNamed.get(kind, name);
  if (unread === undefined) return undefined;
  return { value: lookup.inForce && find(lookup.inForce), problems: [unreadProblem(unread, at, lookup)] };
}

/** The problems of several objects that were not read; one problem for all that the budget left out. */
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

/** The problem of one object that was not read. */
export function unreadProblem(unread: Unread, at: string, lookup: Lookup): ReferenceProblem {
  if (unread.beyond !== undefined) return beyondProblem(unread, 0, at, lookup);
  const { kind, metadata, forbidden, words } = unread;
  const but = forbidden ? "the operator may not read it; give it that right again" : "cannot be read";
  const message = `${kind} ${metadata.name} is there, but ${but}. What was in force of it stays. The API server says: ${words}`;
  return { reason: kind === "Secret" ? "SecretInvalid" : "ConfigMapInvalid", message, at, object: lookup.self };
}

/** The backends of all routes of a config. */
export function backendsOf({ routes }: Config): readonly BackendConfig[] {
  return routes.flatMap(({ backends }) => backends);
}

/** The authority in force of a Secret, for a backend or for the store. */
export function authorityInForce(name: string, inForce: Config): string | undefined {
  const { store } = inForce;
  if (store?.tls?.caSecretName === name && store.tls.ca !== undefined) return store.tls.ca;
  return backendsOf(inForce).find((it) => it.tls?.caSecretName === name)?.tls?.ca;
}

/** The login in force of a Secret, for a backend, an issuer or the store; only that for the store may lack the user name. */
export function loginsInForce(name: string, inForce: Config): readonly Login[] {
  const { store } = inForce;
  const asked = authenticationsOf(inForce).find((it) => it.introspection?.credentialsSecretName === name);
  const dialled = backendsOf(inForce).find((it) => it.basicAuthSecretName === name);
  const counted = store?.credentialsSecretName === name ? store.credentials : undefined;
  return [asked?.introspection?.credentials, dialled?.basicAuth, counted].filter((it) => it !== undefined);
}

/** All different authentication settings of a config. */
export function authenticationsOf({ policies }: Config): readonly Authentication[] {
  return policies.authentication ?? [];
}

/** The keys in force of the same selector: another selector's keys may belong to other people. */
export function keysInForce(
  selector: LabelSelector,
  { inForce }: Lookup,
): NonNullable<Authentication["apiKey"]>["keys"] {
  const text = textOf(selector);
  const same = inForce && authenticationsOf(inForce).find(({ apiKey }) => textOf(apiKey?.secretSelector) === text);
  return same?.apiKey?.keys ?? [];
}

/** The same text for selectors that differ only in the order of their labels: the API server may have sorted them. */
function textOf(selector: LabelSelector | undefined): string {
  const byKey = ([a]: [string, string], [b]: [string, string]): number => (a < b ? -1 : 1);
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => [key, operator, values]);
  return JSON.stringify([selector === undefined, Object.entries(matchLabels).sort(byKey), expressions]);
}
