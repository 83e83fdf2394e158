import { decodeProtectedHeader } from "jose";

/** jose would take a JWE of five segments too, and white space in the first. */
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*$/;

/**
 * Header of a token that has the form of a signed JWT (RFC 7515 §7.1): three base64url segments, the first a JSON
 * object. Nothing in it is to be trusted. undefined: another form.
 */
export function joseHeader(token: string): Readonly<Record<string, unknown>> | undefined {
  if (!COMPACT.test(token)) return undefined;
  try {
    return decodeProtectedHeader(token);
  } catch {
    return undefined;
  }
}
