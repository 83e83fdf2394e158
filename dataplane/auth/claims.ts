/** What a token must say about its bearer, whether a signature or the issuer's answer vouches for it. */

export type Claims = Readonly<Record<string, unknown>>;

export interface Requirements {
  readonly requiredScopes: readonly string[];
  readonly requiredClaims: readonly { readonly name: string; readonly values: readonly string[] }[];
}

/** Goes into a header of the backend and into logs: nothing that could end a line, or not fit one. */
const CLIENT = /^[\x21-\x7e]{1,256}$/;

/** The client id that a claim holds; undefined if it is none. */
export function clientOf(claims: Claims, claim: string): string | undefined {
  const value = own(claims, claim);
  return typeof value === "string" && CLIENT.test(value) ? value : undefined;
}

/** Which requirement is not met. */
export function unmet(claims: Claims, required: Requirements): "ScopeMissing" | "ClaimMismatch" | undefined {
  const scopes = new Set([...words(own(claims, "scope")), ...words(own(claims, "scp"))]);
  if (!required.requiredScopes.every((scope) => scopes.has(scope))) return "ScopeMissing";
  const met = required.requiredClaims.every(({ name, values }) => {
    const value = own(claims, name);
    return (Array.isArray(value) ? value : [value]).some((it) => isScalar(it) && values.includes(String(it)));
  });
  return met ? undefined : "ClaimMismatch";
}

/** A point in time of a token in milliseconds: `absent` if it has none, NaN if what it has is no such number. */
export function timeOf(claims: Claims, claim: string, absent: number): number {
  const value = own(claims, claim);
  if (value === undefined) return absent;
  const time = typeof value === "number" ? value * 1000 : Number.NaN;
  return Number.isFinite(time) ? time : Number.NaN;
}

/** Names come from the config and from tokens: never a property that every object has. */
function own(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

/** Separated by spaces, or a list, as issuers differ. */
function words(value: unknown): string[] {
  if (typeof value === "string") return value.split(" ").filter((word) => word !== "");
  return Array.isArray(value) ? value.filter((word) => typeof word === "string") : [];
}

function isScalar(value: unknown): value is string | number | boolean {
  return ["string", "number", "boolean"].includes(typeof value);
}
