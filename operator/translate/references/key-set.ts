import { isForOtherUse, MAX_KEYS, presentMembers, type Jwk } from "../../../api/json-web-keys.ts";
import { quoted } from "../../../api/problem.ts";
import { textSize } from "../../../api/text-size.ts";
import { isRecord } from "../../../api/unchecked.ts";
import { entryOf, found, missing, type Found, type Lookup, type ReferenceProblem } from "./lookup.ts";
import { undecodedOf, undecodedWords } from "./undecoded.ts";
import { entries } from "./secrets.ts";
import { authenticationsOf, lastGoodFound } from "./unread.ts";

/** The entry of a Secret or of a ConfigMap that holds a key set. */
export interface KeySetReference {
  readonly secretName?: string | undefined;
  readonly configMapName?: string | undefined;
  readonly key?: string | undefined;
}

/** The entry that holds a key set where none is named. */
export const DEFAULT_KEY = "jwks.json";
/** Most characters of the document, which may hold certificates, too, and of the keys that are taken from it. */
const LONGEST_DOCUMENT = 524_288;
const LONGEST_SET = 131_072;

/** The public members that verification needs (RFC 7518 §6.2.1, §6.3.1, RFC 8037 §2): only these are copied. */
const MEMBERS = ["kty", "kid", "use", "key_ops", "alg", "n", "e", "crv", "x", "y"] as const;

/** The verification keys of a JSON Web Key Set in a Secret or ConfigMap. An unfit key is left out and reported. */
export function keySet(reference: KeySetReference, at: string, lookup: Lookup): Found<readonly Jwk[]> {
  const { secretName, configMapName, key = DEFAULT_KEY } = reference;
  const [kind, field, named] =
    secretName === undefined
      ? (["ConfigMap", "configMapName", configMapName ?? ""] as const)
      : (["Secret", "secretName", secretName] as const);
  const lastGood = lastGoodFound(kind, named, `${at}.${field}`, lookup, (inForce) => {
    const issuers = authenticationsOf(inForce).flatMap(({ jwt = [] }) => jwt);
    return issuers.find(({ jwks }) => jwks[field] === named && (jwks.key ?? DEFAULT_KEY) === key)?.jwks.keys;
  });
  if (lastGood !== undefined) return lastGood;
  if (secretName !== undefined) {
    const { value, problems } = entries(secretName, ["Opaque"], [key], `${at}.secretName`, lookup);
    if (value === undefined) return missing(...problems);
    return readOnce(value[0] ?? "", "SecretInvalid", `Secret ${secretName}: ${key}`, `${at}.secretName`, lookup);
  }
  const name = configMapName ?? "";
  const problem = { at: `${at}.configMapName`, object: lookup.self };
  const configMap = lookup.configMaps.get(name);
  if (configMap === undefined) {
    const unusable = undecodedOf("ConfigMap", name, lookup);
    if (unusable !== undefined) {
      const words = `ConfigMap ${name}: ${undecodedWords(unusable)}`;
      return missing({ ...problem, reason: "ConfigMapInvalid", message: words });
    }
    const message = `there is no ConfigMap ${name} in namespace ${lookup.namespace}; create it, or correct the name`;
    return missing({ ...problem, reason: "ConfigMapNotFound", message });
  }
  const text = entryOf(configMap.data, key);
  if (text === undefined) {
    const words =
      configMap.binary?.includes(key) === true
        ? `has the key ${key} in binaryData, which is not read; write it as text in data`
        : `lacks the key ${key}; add it`;
    return missing({ ...problem, reason: "ConfigMapInvalid", message: `ConfigMap ${name}: ${words}` });
  }
  return readOnce(text, "ConfigMapInvalid", `ConfigMap ${name}: ${key}`, problem.at, lookup);
}

/** A thousand routes may name one key set: it is read once, and each reports its problems at its own path. */
function readOnce(...[text, reason, where, at, lookup]: Parameters<typeof readKeys>): Found<readonly Jwk[]> {
  const { value, problems } = lookup.once(`key set ${where}`, () => readKeys(text, reason, where, at, lookup));
  return { value, problems: problems.map((problem) => ({ ...problem, at })) };
}

function readKeys(
  text: string,
  reason: "SecretInvalid" | "ConfigMapInvalid",
  where: string,
  at: string,
  lookup: Lookup,
): Found<readonly Jwk[]> {
  const unfit = (words: string): ReferenceProblem => ({
    reason,
    message: `${where} ${words}`,
    at,
    object: lookup.self,
  });
  if (text.length > LONGEST_DOCUMENT) return missing(unfit("is longer than 512Ki; remove keys that are not used"));
  const keys = listOf(text);
  if (keys === undefined) return missing(unfit('is not a JSON Web Key Set; write {"keys": [...]} (RFC 7517 §5)'));
  if (keys.length > MAX_KEYS) return missing(unfit(`holds more than ${MAX_KEYS} keys; remove the old ones`));
  // A reader of the status may lack the right to read the Secret: there a key is named by its index.
  const mayQuote = lookup.secretsAtHand || reason === "ConfigMapInvalid";
  // A key set may hold keys for encryption, too.
  const signing = keys.filter((jwk) => !isForOtherUse(jwk));
  const problems = signing.map((jwk) => {
    const problem = lookup.tools.keyProblem(jwk);
    const which = mayQuote ? shown(jwk) : `keys[${keys.indexOf(jwk)}]`;
    return problem === undefined ? undefined : unfit(`holds ${which}, which ${problem}`);
  });
  const good = signing.filter((_, index) => problems[index] === undefined);
  const bad = problems.filter((problem) => problem !== undefined);
  if (good.length === 0 && bad.length === 0) return missing(unfit("holds no key that verifies signatures"));
  if (good.length === 0) return missing(...bad);
  const usable = good.map(publicMembers);
  if (textSize(usable, LONGEST_SET) > LONGEST_SET)
    return missing(unfit("holds keys of more than 128Ki in all; remove those that are not used"));
  return { ...found(usable), problems: bad };
}

function listOf(text: string): readonly Jwk[] | undefined {
  try {
    const { keys } = (JSON.parse(text) ?? {}) as { readonly keys?: unknown };
    return Array.isArray(keys) && keys.every(isRecord) ? keys.map(presentMembers) : undefined;
  } catch {
    return undefined;
  }
}

function publicMembers(jwk: Jwk): Jwk {
  return Object.fromEntries(MEMBERS.flatMap((name) => (jwk[name] === undefined ? [] : [[name, jwk[name]]])));
}

function shown({ kid }: Jwk): string {
  return typeof kid === "string" ? `the key ${quoted(kid)}` : "a key without kid";
}
