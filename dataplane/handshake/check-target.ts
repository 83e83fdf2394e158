import { percentDecoded } from "../http/percent-decoded.ts";
import type { Refusal } from "../rejection.ts";

/** Longest request target, in bytes. */
export const MAX_TARGET = 8192;

export interface Target {
  readonly path: string;
  readonly query: string;
}

const ambiguous = (cause: string): Refusal => ({ reason: "AmbiguousTarget", cause });

/**
 * Refuses every request target that two servers could read in two ways (RFC 9112 §3.2, RFC 3986 §6); whatever passes
 * is compared and forwarded byte for byte. Nothing is decoded or normalised. An absolute target that names `authority`,
 * the Host, is taken as its path and query (RFC 9112 §3.2.2).
 */
export function checkTarget(sent: string, authority = ""): Target | Refusal {
  if (sent.length > MAX_TARGET) return { reason: "TargetTooLong" };
  const target = sent.startsWith("/") ? sent : originForm(sent, authority);
  if (target === undefined) return ambiguous("neither in origin form nor in an absolute form that names the Host");
  if (!/^[\x21-\x7e]+$/.test(target)) return ambiguous("characters that must be encoded");
  if (target.includes("#")) return ambiguous("fragment");
  const mark = target.indexOf("?");
  const path = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? "" : target.slice(mark + 1);
  if (path.includes("\\")) return ambiguous("backslash");
  if (path.includes("//")) return ambiguous("empty segment");
  if (/%(?![0-9a-f]{2})/i.test(path)) return ambiguous("malformed percent-encoding");
  if (/%(?:2f|5c|25|[01][0-9a-f]|7f|c2%[89][0-9a-f])/i.test(path))
    return ambiguous("encoded separator, percent sign or control character");
  if (/\/(?:\.|%2e){1,2}(?:(?:;|%3b)[^/]*)?(?:\/|$)/i.test(path)) return ambiguous("dot segment");
  if (percentDecoded(path) === undefined) return ambiguous("percent-encoding that is not UTF-8");
  return { path, query };
}

/** Path and query of an absolute target; undefined: it is none, or names another host than the Host field. */
function originForm(target: string, authority: string): string | undefined {
  const match = /^(http|ws)(s?):\/\/([^/?#\\]*)/i.exec(target);
  if (match === null) return undefined;
  const [head, , secure, named = ""] = match;
  const host = hostOf(named);
  const usual = secure === "" ? 80 : 443;
  if (host === undefined || host !== hostOf(authority)) return undefined;
  if ((portOf(named) ?? usual) !== (portOf(authority) ?? usual)) return undefined;
  const rest = target.slice(head.length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

/** Longest host name and longest label of one (RFC 1035 §2.3.4). */
const MAX_NAME = 253;
const MAX_LABEL = 63;
/** A dot at the end of the name, and `:65535`. */
const MAX_AUTHORITY = MAX_NAME + 1 + 6;

/** The host of a Host header (RFC 9110 §7.2) in lower case without port and trailing dot; undefined if it is malformed. */
export function hostOf(authority: string): string | undefined {
  if (authority.length > MAX_AUTHORITY) return undefined;
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?$/.exec(authority);
  const host = match?.[1]?.toLowerCase().replace(/\.$/, "");
  if (host === undefined || Number(match?.[2] ?? 1) > 65_535) return undefined;
  return (host.startsWith("[") ? !host.includes("..") : isName(host)) ? host : undefined;
}

/** The port of a Host header that `hostOf` takes; undefined if it has none. */
export function portOf(authority: string): number | undefined {
  const port = /:([0-9]{1,5})$/.exec(authority)?.[1];
  return port === undefined ? undefined : Number(port);
}

function isName(host: string): boolean {
  return host.length <= MAX_NAME && host.split(".").every((label) => label !== "" && label.length <= MAX_LABEL);
}
