import type { CredentialPlace } from "../../api/policies/credential-place.ts";
import { percentDecoded } from "../http/percent-decoded.ts";

/** How names in a query, a Cookie field and a subprotocol offer are read: alike where a credential is found and where it is taken out. */

/** A place in words, as the config names it. */
export function placeWords({ header, query, cookie, subprotocol }: CredentialPlace): string {
  if (header !== undefined) return `header ${header}`;
  if (query !== undefined) return `query ${query}`;
  return cookie === undefined ? `subprotocol ${subprotocol}` : `cookie ${cookie}`;
}

/** Name of a raw `name=value` query parameter, percent-decoded once; as it stands where that is not possible. */
export function parameterName(parameter: string): string {
  const equals = parameter.indexOf("=");
  const raw = equals === -1 ? parameter : parameter.slice(0, equals);
  return percentDecoded(raw) ?? raw;
}

/** Name of a `name=value` pair of a Cookie field, without the white space that servers pass over. */
export function cookieName(pair: string): string {
  const equals = pair.indexOf("=");
  return (equals === -1 ? pair : pair.slice(0, equals)).trim();
}

/** Is the offered subprotocol `<name>.<anything>`? */
export function isUnder(name: string, protocol: string): boolean {
  return protocol.length > name.length && protocol[name.length] === "." && protocol.startsWith(name);
}

/** Does any part of a list that is separated so satisfy this? Looks no further then; empty parts are passed over. */
export function somePart(list: string, separator: string, satisfies: (part: string) => boolean): boolean {
  for (let from = 0; ;) {
    const end = list.indexOf(separator, from);
    const to = end === -1 ? list.length : end;
    if (to > from && satisfies(list.slice(from, to))) return true;
    if (end === -1) return false;
    from = end + separator.length;
  }
}
