import type { Config } from "../../../api/config.ts";
import { asksForLabel, type LabelSelector } from "../../../api/policies/api-key-method.ts";
import { DISABLED, EXPIRES_AT, GROUP } from "../../../api/meta.ts";
import { dataKey, timestamp } from "../../../api/names.ts";
import { fieldPath, quoted, type Problem } from "../../../api/problem.ts";
import type { KeyEntry } from "../resources.ts";
import { FAULTS, keyEntries, LONGEST_KEY, SHORTEST_KEY } from "./key-entries.ts";
import { entryOf, type Found, type Lookup, type ReferenceProblem } from "./lookup.ts";
import type { RenderedOf } from "../../../api/policies/index.ts";
import type { Secret } from "../resources.ts";
import { matches } from "./selector.ts";
import { keysInForce, unreadProblems } from "./unread.ts";
import { unsearchedWords, unusableSecrets } from "./unusable-secrets.ts";

/** Most API keys of one config; keys that several routes share count once. */
const MAX_API_KEYS = 10_000;
/** Most API keys of all different `authentication` settings together, since the config holds each of them. */
const MAX_COPIES = 100_000;

/** Mistakes in entries that are reported one by one: a Secret can have 100,000 of them. */
const MOST_TOLD = 100;

/** An API key as the rendered config has it: client, digest and state. */
export type ApiKey = NonNullable<RenderedOf<"authentication">["apiKey"]>["keys"][number];

/**
 * The API keys, as digests, in the Secrets that a selector finds. A doubtful entry is left out and reported. Only an earlier
 * version accepted a selector that asks for no label: it still loses keys that are removed, but finds no new ones.
 */
export function apiKeys(selector: LabelSelector, at: string, lookup: Lookup): Found<ApiKey[]> {
  const now = keysNow(selector, at, lookup);
  if (asksForLabel(selector)) return now;
  const value = lookup.once(JSON.stringify(["api keys of old", selector]), () => {
    const known = new Set(keysInForce(selector, lookup).map(({ digest }) => digest));
    return (now.value ?? []).filter(({ digest }) => known.has(digest));
  });
  // Such a selector finds Secrets that are not meant for us: their mistakes are not reported.
  return { value, problems: [] };
}

function keysNow(selector: LabelSelector, at: string, lookup: Lookup): Found<ApiKey[]> {
  const secrets = [...lookup.secrets.values()]
    .filter((it) => it.labelsLeftOut !== true && matches(selector, it.metadata.labels))
    .sort(olderFirst);
  const unread = lookup.unread.filter(({ kind, metadata }) => kind === "Secret" && matches(selector, metadata.labels));
  const unusable = unusableSecrets(selector, lookup);
  if (secrets.length === 0 && unread.length === 0) {
    if (unusable.length > 0) return { value: [], problems: unusable };
    const message = `no Secret in namespace ${lookup.namespace} has these labels, so every client is refused; label one, or correct the selector${unsearchedWords(lookup)}`;
    return { value: [], problems: [{ reason: "ApiKeysNotFound", message, at, object: lookup.self }] };
  }
  const names = secrets.map(({ metadata }) => metadata.name);
  const readable = lookup.once(JSON.stringify(["api keys", names]), () => keysOf(secrets, lookup));
  if (unread.length === 0 && unusable.length === 0) return readable;
  const problems = [...readable.problems, ...unusable, ...unreadProblems(unread, at, lookup)];
  if (unread.length === 0) return { value: readable.value, problems };
  if (unread.every(({ isNew }) => isNew === true)) return { value: readable.value, problems };
  return {
    value: lookup.once(JSON.stringify(["api keys and those in force", names, selector]), () =>
      withKeysInForce(readable.value, keysInForce(selector, lookup), lookup.seenKeys),
    ),
    problems,
  };
}

/** A key in force that was seen in no other Secret may be in the one that was not read, and stays. */
function withKeysInForce(readable: readonly ApiKey[], inForce: readonly ApiKey[], seen: ReadonlySet<string>): ApiKey[] {
  const known = new Set([...readable.map(({ digest }) => digest), ...seen]);
  return [...readable, ...inForce.filter(({ digest }) => !known.has(digest))].sort(byClient);
}

function keysOf(secrets: readonly Secret[], lookup: Lookup): Found<ApiKey[]> & { readonly value: ApiKey[] } {
  const keys = new Map<string, ApiKey>();
  const owners = new Map<string, { readonly client: string; readonly name: string }>();
  const problems: ReferenceProblem[] = [];
  let told = 0;
  for (const secret of secrets) {
    const { name } = secret.metadata;
    const reportTo =
      (some: ReferenceProblem[]): Report =>
      (reason, at, message) => {
        told += 1;
        if (told > MOST_TOLD) return;
        const more = told === MOST_TOLD ? "; it is the last one that is told, correct these first" : "";
        some.push({ reason, message: message + more, at, object: `Secret ${lookup.namespace}/${name}` });
      };
    const report = reportTo(problems);
    const state = stateOfKeys(secret, report);
    if (state === undefined) continue;
    const inside: ReferenceProblem[] = [];
    const unfit = (client: string, words: string, some = inside): void =>
      reportTo(some)("ApiKeyInvalid", fieldPath("data", [client]), words);
    for (const client of secret.notText) unfit(client, "is not UTF-8 text");
    for (const entry of keyEntries(secret, lookup.tools)) {
      const { client, digest } = entry;
      const problem = problemOf(entry);
      const owner = owners.get(digest);
      if (problem !== undefined) unfit(client, problem);
      else if (owner === undefined) {
        keys.set(digest, { client, digest, ...state });
        owners.set(digest, { client, name });
      } else {
        const words = `is the same key as that of ${owner.client} in Secret ${owner.name}, which is older or comes first; make a new one`;
        // Only people who may read both Secrets may know that they hold the same key.
        unfit(client, words, owner.name === name || lookup.secretsAtHand ? inside : lookup.asides);
      }
    }
    if (lookup.secretsAtHand || hasLabelOfOurs(secret)) problems.push(...inside);
    else if (inside.length > 0) {
      lookup.asides.push(...inside);
      report("ApiKeyInvalid", "data", WITHHELD);
    }
  }
  return { value: [...keys.values()].sort(byClient), problems };
}

/** In place of problems with the entries' names and lengths, for a Secret that may not be meant for us. */
const WITHHELD = `not every entry can be an API key, which has ${SHORTEST_KEY} to ${LONGEST_KEY} characters on one line; give the Secret a label in ${GROUP}/, such as ${GROUP}/api-keys, and this says which cannot`;

/** Has the Secret a label of ours? Its owner meant it for us then; other labels may have other reasons. */
function hasLabelOfOurs({ metadata }: Secret): boolean {
  return Object.keys(metadata.labels).some((label) => label.startsWith(`${GROUP}/`));
}

type Report = (reason: "ApiKeyInvalid" | "SecretInvalid", at: string, message: string) => void;

/** The problem of a config with too many keys; undefined: they fit. */
export function excessOfKeys(
  { policies }: Pick<Config, "policies">,
  self: string,
): (Problem<"TooLarge"> & { readonly object: string }) | undefined {
  const lists = (policies.authentication ?? []).map(({ apiKey }) => apiKey?.keys ?? []);
  const sum = (some: readonly ApiKey[][]): number => some.reduce((count, { length }) => count + length, 0);
  const [keys, copies] = [sum([...new Set(lists)]), sum(lists)];
  const excess = (message: string) => ({ reason: "TooLarge" as const, message, at: "spec", object: self });
  if (keys > MAX_API_KEYS) {
    return excess(
      `the Secrets that are selected hold ${keys} API keys, and one WebSocketProxy can have ${MAX_API_KEYS}; remove some, or divide them among several`,
    );
  }
  if (copies > MAX_COPIES) {
    return excess(
      `routes with an authentication of their own make ${copies} copies of the API keys, and there can be ${MAX_COPIES}; write what they have in common in spec.policies.authentication`,
    );
  }
  return undefined;
}

/** What the annotations of a Secret say for each of its keys; undefined: none of them may be used. */
function stateOfKeys(secret: Secret, report: Report): Pick<ApiKey, "disabled" | "expiresAt"> | undefined {
  if (secret.type !== "Opaque") {
    report("SecretInvalid", "type", `is ${quoted(secret.type)}; API keys stand in Secrets of type Opaque`);
    return undefined;
  }
  const { annotations } = secret.metadata;
  const expiresAt = entryOf(annotations, EXPIRES_AT);
  const disabled = entryOf(annotations, DISABLED);
  if (expiresAt !== undefined && !timestamp.safeParse(expiresAt).success) {
    const words = "is not a time, so all keys of this Secret are refused; write RFC 3339, such as 2027-01-31T12:00:00Z";
    report("SecretInvalid", fieldPath("metadata.annotations", [EXPIRES_AT]), words);
    return undefined;
  }
  if (disabled !== undefined && disabled !== "true" && disabled !== "false") {
    const words = 'is neither "true" nor "false", so all keys of this Secret are disabled; write one of them';
    report("SecretInvalid", fieldPath("metadata.annotations", [DISABLED]), words);
  }
  return {
    disabled: disabled !== undefined && disabled !== "false",
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

function problemOf({ client, fault }: KeyEntry): string | undefined {
  if (!dataKey.safeParse(client).success) {
    return "cannot be a client id; write at most 253 letters, digits and -._";
  }
  return fault === undefined ? undefined : FAULTS[fault];
}

/** A Secret without a creation time, as in a file, counts as younger than any that has one. */
function olderFirst({ metadata: a }: Secret, { metadata: b }: Secret): number {
  const [timeA, timeB] = [a, b].map(({ creationTimestamp }) => Date.parse(creationTimestamp));
  const [ageA, ageB] = [timeA, timeB].map((time) => (Number.isNaN(time) ? Number.MAX_VALUE : (time ?? 0)));
  return (ageA ?? 0) - (ageB ?? 0) || byText(a.name, b.name);
}

function byClient(a: ApiKey, b: ApiKey): number {
  return byText(a.client, b.client) || byText(a.digest, b.digest);
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
