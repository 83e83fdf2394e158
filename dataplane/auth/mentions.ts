import type { CredentialPlace } from "../../api/policies/credential-place.ts";
import { valuesOf, type HeaderField } from "../http/header-fields.ts";
import type { Refusal } from "../rejection.ts";
import { percentDecoded } from "../http/percent-decoded.ts";
import { cookieName, isUnder, parameterName, somePart } from "./place-names.ts";

/**
 * Where a handshake names a method's places. Each list is walked once, whatever the number of places: a client chooses
 * how long the list is.
 */

/** How the value of a header other than `authorization` is read: as it is, or without a leading `Bearer `. */
export type HeaderForm = "raw" | "token";

/** A method's places of one kind, by their name; headers in lower case. */
export type Named = ReadonlyMap<string, CredentialPlace>;

/** Takes a mention: a credential, "" where the place is empty, or why it is none. true: no other is wanted. */
export type Take = (mention: string | Refusal, place: CredentialPlace) => boolean;

const TOKEN68 = /^[A-Za-z0-9\-._~+/]+=*$/;
const BASE64URL = /^[A-Za-z0-9_-]+$/;
const NOT_ASCII = /[\x80-\xff]/;
const BLANK = 0x20;
const AMBIGUOUS: Refusal = { reason: "AmbiguousCredential" };
const INVALID: Refusal = { reason: "CredentialInvalid" };

/** Each of these tells whether `take` wants no other. */
export function mentionedInHeaders(
  places: Named,
  headers: readonly HeaderField[],
  form: HeaderForm,
  take: Take,
): boolean {
  if (places.size === 0) return false;
  let authorizations = 0;
  return headers.some(([field, raw]) => {
    const name = field.toLowerCase();
    const place = places.get(name);
    if (place === undefined) return false;
    const value = asUtf8(raw);
    if (name !== "authorization") return take(form === "token" ? (bearer(value) ?? value) : value, place);
    authorizations += 1;
    // Parsers differ in which of two lines they take: more than one is ambiguous whatever the schemes.
    const mention = authorizations > 1 ? AMBIGUOUS : authorized(value);
    return mention !== undefined && take(mention, place);
  });
}

export function mentionedInQuery(places: Named, query: string, take: Take): boolean {
  if (places.size === 0 || query === "") return false;
  return somePart(query, "&", (parameter) => {
    const place = places.get(parameterName(parameter));
    if (place === undefined) return false;
    const equals = parameter.indexOf("=");
    return take(equals === -1 ? "" : (percentDecoded(parameter.slice(equals + 1)) ?? AMBIGUOUS), place);
  });
}

export function mentionedInCookies(places: Named, headers: readonly HeaderField[], take: Take): boolean {
  if (places.size === 0) return false;
  return valuesOf(headers, "cookie").some((line) =>
    somePart(line, ";", (pair) => {
      const place = places.get(cookieName(pair));
      if (place === undefined) return false;
      const equals = pair.indexOf("=");
      return take(equals === -1 ? "" : asUtf8(pair.slice(equals + 1).trim()), place);
    }),
  );
}

/** `names`: all of the route, longest first: the first that fits owns an offer. */
export function mentionedInSubprotocols(
  places: Named,
  names: readonly string[],
  protocols: readonly string[],
  take: Take,
): boolean {
  if (places.size === 0) return false;
  return protocols.some((protocol) => {
    const owner = names.find((name) => isUnder(name, protocol));
    const place = owner === undefined ? undefined : places.get(owner);
    if (owner === undefined || place === undefined) return false;
    const text = protocol.slice(owner.length + 1);
    return take(place.encoding === "Raw" ? text : fromBase64url(text), place);
  });
}

/** The token in the value of an Authorization field; undefined: another scheme. */
function authorized(value: string): string | Refusal | undefined {
  const token = value === "" ? "" : bearer(value);
  return token === undefined || token === "" || TOKEN68.test(token) ? token : INVALID;
}

/** What follows `Bearer` and its blanks; undefined if the value has another form. Cut by index: a pattern would backtrack over many blanks. */
function bearer(value: string): string | undefined {
  const scheme = "bearer";
  if (value.slice(0, scheme.length).toLowerCase() !== scheme) return undefined;
  let at = scheme.length;
  while (value.charCodeAt(at) === BLANK) at += 1;
  return at === scheme.length && at < value.length ? undefined : value.slice(at);
}

function fromBase64url(text: string): string | Refusal {
  if (text === "") return "";
  const bytes = BASE64URL.test(text) ? Buffer.from(text, "base64url") : undefined;
  // One spelling only: spare bits at the end must be zero.
  if (bytes === undefined || bytes.toString("base64url") !== text) return INVALID;
  const credential = bytes.toString("utf8");
  return Buffer.from(credential, "utf8").equals(bytes) ? credential : INVALID;
}

/** Node reads header bytes as Latin-1. */
function asUtf8(value: string): string {
  return NOT_ASCII.test(value) ? Buffer.from(value, "latin1").toString("utf8") : value;
}
