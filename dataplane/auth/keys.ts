import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { isOversized, MAX_KEYS, MIN_RSA_BITS } from "../../api/json-web-keys.ts";
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

/** Which algorithms a type of key takes part in (RFC 7518 §3.1, RFC 8037 §3.1). */
const FITTING: Readonly<Record<string, RegExp>> = {
  rsa: /^[RP]S(256|384|512)$/,
  "ec prime256v1": /^ES256$/,
  "ec secp384r1": /^ES384$/,
  "ec secp521r1": /^ES512$/,
  ed25519: /^EdDSA$/,
};

/** The keys of a JSON Web Key Set; undefined if it is none. Keys that cannot verify are left out (RFC 7517 §5). */
export function parseKeySet(text: string): readonly VerificationKey[] | undefined {
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(set) || !Array.isArray(set["keys"])) return undefined;
  const keys: unknown[] = set["keys"];
  return keys.length <= MAX_KEYS && keys.every(isRecord) ? importKeys(keys) : undefined;
}

/** Leaves out what is for another use, too weak, private, symmetric or broken. */
export function importKeys(jwks: readonly Readonly<Record<string, unknown>>[]): readonly VerificationKey[] {
  return jwks.flatMap((jwk) => importKey(jwk) ?? []);
}

/** The key for a token: of its `kid`, or without one the only key that fits. Two candidates are none. */
export function chooseKey(
  keys: readonly VerificationKey[],
  { algorithm, kid }: KeyChoice,
): VerificationKey | undefined {
  const fitting = keys.filter((key) => (kid === undefined || key.kid === kid) && key.fits(algorithm));
  return new Set(fitting.map(({ id }) => id)).size === 1 ? fitting[0] : undefined;
}

function importKey(jwk: Readonly<Record<string, unknown>>): VerificationKey | undefined {
  const { kid, use, key_ops: operations, alg } = jwk;
  if ("d" in jwk || (use !== undefined && use !== "sig")) return undefined;
  if (isOversized(jwk)) return undefined;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes("verify"))) return undefined;
  const key = publicKey(jwk);
  const { modulusLength = 0, namedCurve } = key?.asymmetricKeyDetails ?? {};
  const type = [key?.asymmetricKeyType, namedCurve].filter((part) => part !== undefined).join(" ");
  const fitting = FITTING[type];
  if (key === undefined || fitting === undefined || (type === "rsa" && modulusLength < MIN_RSA_BITS)) return undefined;
  // RFC 9864 names the curve instead of the family.
  const only = alg === "Ed25519" ? "EdDSA" : alg;
  return {
    id: createHash("sha256")
      .update(key.export({ type: "spki", format: "der" }))
      .digest("base64url"),
    kid: typeof kid === "string" ? kid : undefined,
    key,
    fits: (algorithm) => fitting.test(algorithm) && (only === undefined || only === algorithm),
  };
}

function publicKey(jwk: Readonly<Record<string, unknown>>): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk, format: "jwk" });
  } catch {
    return undefined;
  }
}
