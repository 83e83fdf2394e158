import { errors } from "jose";
import { quoted } from "../../api/problem.ts";
import type { Refusal } from "../rejection.ts";
import type { Claims } from "./claims.ts";

/** Why a token is refused, in words for the log: they quote single values of the token, bounded, and never the token. */

/** Elements of a list that are quoted. */
const MOST_SHOWN = 3;

export function invalid(cause: string): Refusal {
  return { reason: "CredentialInvalid", cause };
}

/** A value of the token. It may be of any form and depth: only texts are quoted. */
export function shown(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (!Array.isArray(value)) return value === undefined ? "absent" : `no text (${typeof value})`;
  const more = value.length > MOST_SHOWN ? ` and ${value.length - MOST_SHOWN} more` : "";
  const texts = value.slice(0, MOST_SHOWN).map((it: unknown) => (typeof it === "string" ? quoted(it) : typeof it));
  return `[${texts.join(", ")}]${more}`;
}

export function expired(claims: Claims): Refusal & { readonly reason: "CredentialExpired" } {
  return { reason: "CredentialExpired", cause: `the token expired at ${moment(claims["exp"])}` };
}

/** The refusal for what the verification of a token threw; `claims` are the token's. */
export function faultOf(error: unknown, claims: Claims): Refusal {
  if (error instanceof errors.JWTExpired) return expired(claims);
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return invalid("the signature is not by the issuer's key");
  }
  if (error instanceof errors.JWTClaimValidationFailed) return invalid(claimFault(error, claims));
  // Any other failure means that the token is not proven. jose's words quote nothing of it.
  return invalid(
    error instanceof errors.JOSEError ? `the token is malformed: ${error.code}` : "the token is malformed",
  );
}

function claimFault({ claim, reason }: errors.JWTClaimValidationFailed, claims: Claims): string {
  if (claim === "aud") return `the audience is ${shown(claims["aud"])}, which the route does not accept`;
  if (claim === "nbf" && reason === "check_failed") return `the token is not valid before ${moment(claims["nbf"])}`;
  return reason === "missing" ? `the claim ${claim} is missing` : `the claim ${claim} is not valid`;
}

function moment(seconds: unknown): string {
  const date = new Date(typeof seconds === "number" ? seconds * 1000 : Number.NaN);
  return Number.isNaN(date.getTime()) ? "a time that no date has" : date.toISOString();
}
