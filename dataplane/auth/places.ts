import { placesOf } from "../../api/policies/authentication.ts";
import type { CredentialPlace } from "../../api/policies/credential-place.ts";
import type { RenderedPolicies } from "../../api/policies/index.ts";
import type { Handshake } from "../opening-handshake.ts";
import type { Refusal } from "../rejection.ts";
import {
  mentionedInCookies,
  mentionedInHeaders,
  mentionedInQuery,
  mentionedInSubprotocols,
  type HeaderForm,
  type Named,
  type Take,
} from "./mentions.ts";
import { placeWords } from "./place-names.ts";

/** A credential that was offered, and the place it stood in. */
export interface Offer {
  readonly credential: string;
  readonly place: CredentialPlace;
}

/** What a handshake offers for one method; undefined: nothing. */
export type Found = Offer | Refusal | undefined;

/** Longer credentials are refused unread. */
const MAX_CREDENTIAL = 8192;

/** Why a mention is no credential, where the place itself does not say more. */
const UNREADABLE: Readonly<Record<string, string>> = {
  AmbiguousCredential: "can be read in more than one way",
  CredentialInvalid: "does not have the form of a credential",
};

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
  const places = placesOf(policies.authentication);
  const named = (field: keyof CredentialPlace): Set<string> => new Set(places.flatMap((place) => place[field] ?? []));
  return {
    headers: new Set([...named("header")].map((name) => name.toLowerCase())),
    query: named("query"),
    cookies: named("cookie"),
    subprotocols: [...named("subprotocol")],
  };
}

/**
 * Finds the one credential of a method. Each mention of a place counts, empty ones too, so that no backend can
 * pick another than we did; a mention of another Authorization scheme does not count.
 * `subprotocols`: all names of the route, of which the longest that fits owns an offer.
 */
export function credentialFinder(
  places: readonly CredentialPlace[],
  form: HeaderForm,
  subprotocols: readonly string[],
): (handshake: Handshake) => Found {
  const headers = byName(places, ({ header }) => header?.toLowerCase());
  const query = byName(places, (place) => place.query);
  const cookies = byName(places, ({ cookie }) => cookie);
  const protocols = byName(places, ({ subprotocol }) => subprotocol);
  const names = subprotocols.toSorted((a, b) => b.length - a.length);
  return (handshake) => {
    const mentions: Mentioned[] = [];
    // Two are one too many wherever they stand: no third is looked for.
    const take: Take = (mention, place) => mentions.push({ mention, place }) > 1;
    const two =
      mentionedInHeaders(headers, handshake.headers, form, take) ||
      mentionedInQuery(query, handshake.query, take) ||
      mentionedInCookies(cookies, handshake.headers, take) ||
      mentionedInSubprotocols(protocols, names, handshake.protocols, take);
    return two ? ambiguous(mentions) : offerOf(mentions[0]);
  };
}

/**
 * Tells whether a handshake presents a credential in one of these headers and cookies, read as `credentialFinder` reads
 * them; an empty mention presents nothing.
 */
export function credentialPresence(
  places: readonly CredentialPlace[],
): (handshake: Pick<Handshake, "headers">) => boolean {
  const headers = byName(places, ({ header }) => header?.toLowerCase());
  const cookies = byName(places, ({ cookie }) => cookie);
  const take: Take = (mention) => mention !== "";
  return (handshake) =>
    mentionedInHeaders(headers, handshake.headers, "raw", take) || mentionedInCookies(cookies, handshake.headers, take);
}

interface Mentioned {
  readonly mention: string | Refusal;
  readonly place: CredentialPlace;
}

function byName(places: readonly CredentialPlace[], nameOf: (place: CredentialPlace) => string | undefined): Named {
  const named = new Map<string, CredentialPlace>();
  for (const place of places) {
    const name = nameOf(place);
    if (name !== undefined) named.set(name, place);
  }
  return named;
}

/** For the log: the two places, and nothing of what stands in them. */
function ambiguous(mentions: readonly Mentioned[]): Refusal {
  const [first, second] = mentions.map(({ place }) => placeWords(place));
  const cause = first === second ? `two credentials in ${first}` : `credentials in ${first} and in ${second}`;
  return { reason: "AmbiguousCredential", cause };
}

/** An empty mention offers nothing. */
function offerOf(mentioned: Mentioned | undefined): Found {
  if (mentioned === undefined || mentioned.mention === "") return undefined;
  const { mention, place } = mentioned;
  const words = placeWords(place);
  if (typeof mention !== "string") {
    return { ...mention, cause: `${words}: ${mention.cause ?? UNREADABLE[mention.reason] ?? "is no credential"}` };
  }
  if (mention.length <= MAX_CREDENTIAL) return { credential: mention, place };
  return { reason: "CredentialInvalid", cause: `${words}: is longer than ${MAX_CREDENTIAL} characters` };
}

/** Tells places apart; header names without case. */
export function placeKey({ header, query, cookie, subprotocol, encoding = "Base64Url" }: CredentialPlace): string {
  return JSON.stringify([header?.toLowerCase(), query, cookie, subprotocol, encoding]);
}
