import type { CredentialPlace } from "../../api/policies/authentication.ts";
import type { RenderedPolicies } from "../../api/policies/index.ts";
import { valuesOf, type Handshake } from "../handshake.ts";
import type { Refusal } from "../rejection.ts";

/** A credential that was offered, and the place it stood in. */
export interface Offer {
  readonly credential: string;
  readonly place: CredentialPlace;
}

/** What a handshake offers for one method; undefined: nothing. */
export type Found = Offer | Refusal | undefined;

/** How the value of a header other than `authorization` is read: as it is, or without a leading `Bearer `. */
export type HeaderForm = "raw" | "token";

/** Longer credentials are refused unread. */
const MAX_CREDENTIAL = 8192;

const BEARER = /^bearer(?: +(.*))?$/i;
const TOKEN68 = /^[A-Za-z0-9\-._~+/]+=*$/;
const BASE64URL = /^[A-Za-z0-9_-]+$/;
const AMBIGUOUS: Refusal = { reason: "AmbiguousCredential" };
const INVALID: Refusal = { reason: "CredentialInvalid" };

/**
 * Every place of a route in which a credential may stand, whichever is used: what the backend must not see.
 * `headers` are in lower case (compare without case); `query` names match a parameter whose name, as it stands or
 * percent-decoded once (`parameterName`), is equal; `cookies` match a pair whose `cookieName` is equal; `subprotocols`
 * match an offer `isUnder`.
 */
export function credentialPlaces(policies: Pick<RenderedPolicies, "authentication">): {
  headers: ReadonlySet<string>;
  query: ReadonlySet<string>;
  cookies: ReadonlySet<string>;
  subprotocols: readonly string[];
} {
  const { apiKey, jwt, introspection } = policies.authentication ?? {};
  const places = [apiKey, jwt, introspection].flatMap((method) => method?.from ?? []);
  const named = (field: keyof CredentialPlace): Set<string> => new Set(places.flatMap((place) => place[field] ?? []));
  return {
    headers: new Set([...named("header")].map((name) => name.toLowerCase())),
    query: named("query"),
    cookies: named("cookie"),
    subprotocols: [...named("subprotocol")],
  };
}

/** Name of a raw `name=value` query parameter, percent-decoded once; as it stands where that is not possible. */
export function parameterName(parameter: string): string {
  const raw = parameter.split("=", 1)[0] ?? "";
  return decoded(raw) ?? raw;
}

/** Name of a `name=value` pair of a Cookie field, without the white space that servers pass over. */
export function cookieName(pair: string): string {
  return pair.split("=", 1)[0]?.trim() ?? "";
}

/** Is the offered subprotocol `<name>.<anything>`? */
export function isUnder(name: string, protocol: string): boolean {
  return protocol.startsWith(`${name}.`);
}

/**
 * Finds the one credential of a method. Each mention of a place counts, empty ones too, so that nobody behind us can
 * pick another than we did; a mention of another Authorization scheme is none of ours.
 * `subprotocols`: all names of the route, of which the longest that fits owns an offer.
 */
export function credentialFinder(
  places: readonly CredentialPlace[],
  form: HeaderForm,
  subprotocols: readonly string[],
): (handshake: Handshake) => Found {
  const distinct = [...new Map(places.map((place) => [placeKey(place), place])).values()];
  return (handshake) => {
    const mentions = distinct.flatMap((place) =>
      mentionsAt(place, handshake, form, subprotocols).map((credential) => ({ credential, place })),
    );
    const [first, second] = mentions;
    if (first === undefined) return undefined;
    if (second !== undefined) return AMBIGUOUS;
    const { credential, place } = first;
    if (typeof credential !== "string") return credential;
    if (credential === "") return undefined;
    return credential.length > MAX_CREDENTIAL ? INVALID : { credential, place };
  };
}

/** Tells places apart; header names without case. */
export function placeKey({ header, query, cookie, subprotocol }: CredentialPlace): string {
  return JSON.stringify([header?.toLowerCase(), query, cookie, subprotocol]);
}

function mentionsAt(
  place: CredentialPlace,
  handshake: Handshake,
  form: HeaderForm,
  subprotocols: readonly string[],
): (string | Refusal)[] {
  if (place.header !== undefined) return headerMentions(place.header.toLowerCase(), handshake, form);
  if (place.query !== undefined) return queryMentions(place.query, handshake.query);
  if (place.cookie !== undefined) return cookieMentions(place.cookie, handshake);
  const name = place.subprotocol;
  if (name === undefined) return [];
  return handshake.protocols
    .filter(
      (protocol) =>
        isUnder(name, protocol) && !subprotocols.some((it) => it.length > name.length && isUnder(it, protocol)),
    )
    .map((protocol) => fromBase64url(protocol.slice(name.length + 1)));
}

function headerMentions(name: string, { headers }: Handshake, form: HeaderForm): (string | Refusal)[] {
  const values = valuesOf(headers, name).map(asUtf8);
  if (name !== "authorization") return values.map((value) => (form === "token" ? (bearer(value) ?? value) : value));
  // Parsers differ in which of two lines they take: more than one is ambiguous whatever the schemes.
  if (values.length > 1) return [AMBIGUOUS];
  return values.flatMap((value) => {
    const token = value === "" ? "" : bearer(value);
    if (token === undefined) return [];
    return token === "" || TOKEN68.test(token) ? token : INVALID;
  });
}

/** What follows `Bearer`; undefined if the value has another form. */
function bearer(value: string): string | undefined {
  const match = BEARER.exec(value);
  return match === null ? undefined : (match[1] ?? "");
}

function queryMentions(name: string, query: string): (string | Refusal)[] {
  if (query === "") return [];
  return query
    .split("&")
    .filter((parameter) => parameterName(parameter) === name)
    .map((parameter) => {
      const equals = parameter.indexOf("=");
      return equals === -1 ? "" : (decoded(parameter.slice(equals + 1)) ?? AMBIGUOUS);
    });
}

function cookieMentions(name: string, { headers }: Handshake): string[] {
  return valuesOf(headers, "cookie")
    .flatMap((line) => line.split(";"))
    .filter((pair) => cookieName(pair) === name)
    .map((pair) => asUtf8(pair.includes("=") ? pair.slice(pair.indexOf("=") + 1).trim() : ""));
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
  return /[\x80-\xff]/.test(value) ? Buffer.from(value, "latin1").toString("utf8") : value;
}

function decoded(text: string): string | undefined {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
