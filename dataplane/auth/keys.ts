import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import {
  algorithmOf,
  ALGORITHMS_OF,
  isForOtherUse,
  isOversized,
  MAX_KEYS,
  MIN_RSA_BITS,
  presentMembers,
  type Jwk,
} from "../../api/json-web-keys.ts";
import { quoted } from "../../api/problem.ts";
import { isRecord } from "../../api/unchecked.ts";

/** A public key that signatures are verified with. */
export interface VerificationKey {
  /** Digest of the key itself: the same `kid` for another key is another id. */
  readonly id: string;
  readonly kid: string | undefined;
  readonly key: KeyObject;
  readonly fits: (algorithm: string) => boolean;
}

/** What of a token's header chooses the key. */
export interface KeyChoice {
  readonly algorithm: string;
  readonly kid: string | undefined;
}

/** Keys of which a token's signature is tried with one after the other: the work for an unproven token is bounded. */
const MOST_TRIED = 4;

/** A key set as its issuer publishes it. */
export interface KeySet {
  readonly keys: readonly VerificationKey[];
  /** For each key that was left out, why. */
  readonly leftOut: readonly Unfit[];
}

/** Why a key cannot verify. */
type Unfit = "private" | "symmetric" | "for another use" | "too large" | "unreadable" | "of another type" | "too weak";

/** Reads a JSON Web Key Set; undefined if it is none. Keys that cannot verify are left out (RFC 7517 §5). */
export function parseKeySet(text: string): KeySet | undefined {
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(set) || !Array.isArray(set["keys"])) return undefined;
  const keys: unknown[] = set["keys"];
  return keys.length <= MAX_KEYS && keys.every(isRecord) ? sorted(keys) : undefined;
}

/** Leaves out what is for another use, too weak, private, symmetric or broken. */
export function importKeys(jwks: readonly Jwk[]): readonly VerificationKey[] {
  return sorted(jwks).keys;
}

/** The keys that the token's header means: those of its `kid`, or without one the only key that fits. */
export function namedKeys(keys: readonly VerificationKey[], { algorithm, kid }: KeyChoice): readonly VerificationKey[] {
  const fitting = keys.filter((key) => (kid === undefined || key.kid === kid) && key.fits(algorithm));
  return different(fitting).length === 1 ? fitting.slice(0, 1) : [];
}

/**
 * The keys to try where the header means none: those without a `kid`, since the issuer names no key in the set or names
 * it in tokens only. A `kid` that the set has means its own key, fit or not.
 */
export function unnamedKeys(
  keys: readonly VerificationKey[],
  { algorithm, kid }: KeyChoice,
): readonly VerificationKey[] {
  if (kid !== undefined && keys.some((key) => key.kid === kid)) return [];
  return different(keys.filter((key) => key.kid === undefined && key.fits(algorithm))).slice(0, MOST_TRIED);
}

/** For the log: why the set has no key for a token. The `kid` is public, but the client chose it. */
export function whyNoKey(keys: readonly VerificationKey[], { algorithm, kid }: KeyChoice): string {
  if (keys.length === 0) return "the key set has no usable key";
  const named = kid === undefined ? keys : keys.filter((key) => key.kid === kid);
  const words = kid === undefined ? "" : ` with the kid ${quoted(kid)}`;
  if (named.length === 0) return `the key set has no key${words}`;
  if (named.some((key) => key.fits(algorithm))) return `the key set has several keys${words} for ${algorithm}`;
  return `the key set has no key${words} for ${algorithm}`;
}

function different(keys: readonly VerificationKey[]): readonly VerificationKey[] {
  return [...new Map(keys.map((key) => [key.id, key])).values()];
}

function sorted(jwks: readonly Jwk[]): KeySet {
  const outcomes = jwks.map(importKey);
  return {
    keys: outcomes.filter((outcome) => typeof outcome !== "string"),
    leftOut: outcomes.filter((outcome) => typeof outcome === "string"),
  };
}

function importKey(published: Jwk): VerificationKey | Unfit {
  const jwk = presentMembers(published);
  if (jwk["kty"] === "oct") return "symmetric";
  if ("d" in jwk) return "private";
  if (isForOtherUse(jwk)) return "for another use";
  if (isOversized(jwk)) return "too large";
  const key = publicKey(jwk);
  if (key === undefined) return "unreadable";
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  const type = [key.asymmetricKeyType, namedCurve].filter((part) => part !== undefined).join(" ");
  const algorithms = ALGORITHMS_OF[type];
  const only = jwk["alg"] === undefined ? undefined : algorithmOf(jwk["alg"]);
  if (algorithms === undefined || (only !== undefined && !algorithms.test(only))) return "of another type";
  if (type === "rsa" && modulusLength < MIN_RSA_BITS) return "too weak";
  const { kid } = jwk;
  return {
    id: createHash("sha256")
      .update(key.export({ type: "spki", format: "der" }))
      .digest("base64url"),
    kid: typeof kid === "string" ? kid : undefined,
    key,
    fits: (algorithm) => algorithms.test(algorithm) && (only === undefined || only === algorithm),
  };
}

function publicKey(jwk: Jwk): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk, format: "jwk" });
  } catch {
    return undefined;
  }
}
