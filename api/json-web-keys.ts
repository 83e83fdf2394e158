/** Keys of a JSON Web Key Set beyond which it is refused. */
export const MAX_KEYS = 100;
export const MIN_RSA_BITS = 2048;
/**
 * Characters of a key's numbers in base64url: 2,048 bytes, OpenSSL's own bound, and for an RSA exponent 32 (FIPS 186-5).
 * Node takes a minute to describe a key whose exponent has 190 kB.
 */
const MAX_NUMBER = 2732;
const MAX_EXPONENT = 43;

export type Jwk = Readonly<Record<string, unknown>>;

/** Which algorithms a type of key takes part in (RFC 7518 §3.1, RFC 8037 §3.1): the type, and the curve if it has one. */
export const ALGORITHMS_OF: Readonly<Record<string, RegExp>> = {
  rsa: /^[RP]S(256|384|512)$/,
  "ec prime256v1": /^ES256$/,
  "ec secp384r1": /^ES384$/,
  "ec secp521r1": /^ES512$/,
  ed25519: /^EdDSA$/,
};

/** The members, of a key or of a token's header, that say something: many issuers write null, or an empty text, for others. */
export function presentMembers(members: Jwk): Jwk {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null && value !== ""));
}

/** Has a JSON Web Key a number that is longer than any key needs? To be asked before the key is read. */
export function isOversized({ n, x, y, e }: Jwk): boolean {
  const longer = (number: unknown, most: number): boolean => typeof number === "string" && number.length > most;
  return [n, x, y].some((number) => longer(number, MAX_NUMBER)) || longer(e, MAX_EXPONENT);
}

/** Algorithms of keys that encrypt (RFC 7518 §4.1): an RSA or EC key can say so by `alg` alone. */
const ENCRYPTION = /^(?:RSA1_5|RSA-OAEP|ECDH-ES)/;

/** Does a key with these present members say that it is for something else than to verify signatures (RFC 7517 §4.2 to §4.4)? */
export function isForOtherUse({ use, key_ops: operations, alg }: Jwk): boolean {
  if (use !== undefined && use !== "sig") return true;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes("verify"))) return true;
  return ENCRYPTION.test(algorithmOf(alg));
}

/** What RFC 9864 calls EdDSA with the only curve that is accepted here. */
const ED25519 = "Ed25519";

/** The algorithm that a key or a token says, by its older name; "": none. */
export function algorithmOf(alg: unknown): string {
  if (alg === ED25519) return "EdDSA";
  return typeof alg === "string" ? alg : "";
}

/** Algorithms with all the names that a token may have for them. */
export function namesOf(algorithms: readonly string[]): string[] {
  return algorithms.includes("EdDSA") ? [...algorithms, ED25519] : [...algorithms];
}
