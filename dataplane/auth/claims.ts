import { quoted } from "../../api/problem.ts";
import { isRecord } from "../../api/unchecked.ts";

/** What a token must say about its bearer, whether a signature or the issuer's answer vouches for it. */

export type Claims = Readonly<Record<string, unknown>>;

/** A claim and its values: the claim's name, or the names that lead to it. */
interface RequiredClaim {
  readonly name?: string | undefined;
  readonly path?: readonly string[] | undefined;
  readonly values: readonly string[];
}

export interface Requirements {
  readonly requiredScopes: readonly string[];
  readonly requiredClaims: readonly RequiredClaim[];
}

/** A requirement that is not met; `cause` quotes the config only. */
export interface Unmet {
  readonly reason: "ScopeMissing" | "ClaimMismatch";
  readonly cause: string;
}

/** Goes into a header of the backend and into logs: nothing that could end a line, or not fit one. */
const CLIENT = /^[\x21-\x7e]{1,256}$/;

/** The client id that a claim holds, of a whole number its digits; undefined if it is none. */
export function clientOf(claims: Claims, claim: string): string | undefined {
  const value = own(claims, claim);
  const id = Number.isSafeInteger(value) ? String(value) : value;
  return typeof id === "string" && CLIENT.test(id) ? id : undefined;
}

/** Which requirement is not met. */
export function unmet(claims: Claims, required: Requirements): Unmet["reason"] | undefined {
  return unmetRequirement(claims, required)?.reason;
}

/** The same, with the requirement in words. */
export function unmetRequirement(claims: Claims, { requiredScopes, requiredClaims }: Requirements): Unmet | undefined {
  const scopes = new Set([...words(own(claims, "scope")), ...words(own(claims, "scp"))]);
  const lacking = requiredScopes.find((scope) => !scopes.has(scope));
  if (lacking !== undefined) return { reason: "ScopeMissing", cause: `the scope ${quoted(lacking)} is missing` };
  const other = requiredClaims.find((claim) => !holds(claims, claim));
  if (other === undefined) return undefined;
  const named = quoted(pathOf(other).join("."));
  return { reason: "ClaimMismatch", cause: `the claim ${named} has none of the values that are required` };
}

function holds(claims: Claims, required: RequiredClaim): boolean {
  const value = valueAt(claims, pathOf(required));
  return (Array.isArray(value) ? value : [value]).some((it) => {
    const text = textOf(it);
    return text !== undefined && required.values.includes(text);
  });
}

function pathOf({ name, path }: RequiredClaim): readonly string[] {
  return path ?? (name === undefined ? [] : [name]);
}

/** A list has no names: nothing is looked for in it. */
function valueAt(claims: Claims, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (isRecord(value) ? own(value, name) : undefined), claims);
}

/** A point in time of a token in milliseconds: `absent` if it has none, NaN if what it has is no such number. */
export function timeOf(claims: Claims, claim: string, absent: number): number {
  const value = own(claims, claim);
  if (value === undefined) return absent;
  const time = typeof value === "number" ? value * 1000 : Number.NaN;
  return Number.isFinite(time) ? time : Number.NaN;
}

/** Is a value what the issuer wrote? Beyond 2^53 different numbers of a text become one. */
export function isExact(value: unknown): boolean {
  return typeof value !== "number" || Math.abs(value) <= Number.MAX_SAFE_INTEGER;
}

/** A string, number or boolean as text; undefined: it is none, or a number that is not what the issuer wrote. */
function textOf(value: unknown): string | undefined {
  const isScalar = ["string", "number", "boolean"].includes(typeof value);
  return isScalar && isExact(value) ? String(value) : undefined;
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
