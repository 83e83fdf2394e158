import { AddressList } from "../address-list.ts";
import { clientOrigin } from "../addresses.ts";
import type { Arrival } from "../arrival.ts";
import { couldBeKey } from "../could-be-key.ts";
import { fieldsOf, valuesOf } from "../http/header-fields.ts";
import { hostOf } from "./check-target.ts";

/** What the log says of a request that was refused: which client, and where it wanted to go. Never a query or a credential. */
export interface RequestFacts {
  readonly address?: string;
  readonly host?: string | undefined;
  readonly path?: string | undefined;
}

const NONE = new AddressList([]);
/** Characters of a target that are looked at; the log shows fewer. */
const LONGEST_PATH = 1024;
/** What separates a query or a parameter, as it stands or percent-encoded: behind it a client may have put a credential by mistake. */
const SEPARATOR = /[;&=]|%(?:3[fbd]|2[356])/i;

/** The path of a request target as the log may show it: up to where parameters begin, and no segment that could be a key or a token. */
export function loggedPath(target: string): string | undefined {
  const start = originForm(target.slice(0, LONGEST_PATH));
  if (!start.startsWith("/")) return undefined;
  const path = start.slice(0, (/[?#]/.exec(start) ?? { index: start.length }).index);
  const parameters = SEPARATOR.exec(path);
  const shown = parameters === null ? path : `${path.slice(0, parameters.index)}…`;
  return shown
    .split("/")
    .map((segment) => (segment.length > 64 || couldBeKey(segment) ? "…" : segment))
    .join("/");
}

/** Of an absolute form what follows its host; one with a user and a password stays as it is, and has no path. */
function originForm(target: string): string {
  const [scheme, authority = ""] = /^(?:http|ws)s?:\/\/([^/?#]*)/i.exec(target) ?? [""];
  return hostOf(authority) === undefined ? target : target.slice(scheme.length);
}

/** Of a request that the parser read. `trusted`: proxies whose X-Forwarded-For is believed. */
export function arrivalFacts({ target, rawHeaders, peer, encrypted }: Arrival, trusted = NONE): RequestFacts {
  const headers = fieldsOf(rawHeaders);
  const [authority = "", ...more] = valuesOf(headers, "host");
  const { address } = clientOrigin(peer, encrypted, headers, trusted);
  return { address, ...partialFacts(target, more.length > 0 ? undefined : authority) };
}

/** Of a head of which only this could be read. */
export function partialFacts(target: string | undefined, authority: string | undefined): RequestFacts {
  return {
    host: authority === undefined ? undefined : hostOf(authority),
    path: target === undefined ? undefined : loggedPath(target),
  };
}
