import { PLAIN_SUBPROTOCOL } from "../../api/meta.ts";
import { foldHeaderName } from "../../api/names.ts";
import { isExact } from "../auth/claims.ts";
import { cookieName, isUnder, parameterName } from "../auth/place-names.ts";
import { connectionOptions, type HeaderField } from "../http/header-fields.ts";
import type { Handshake } from "../opening-handshake.ts";
import type { Identity } from "../identity.ts";
import { isClaimed } from "./claimed-headers.ts";
import { offeredExtensions } from "./compression.ts";
import type { CompiledForwarding } from "./forwarding.ts";

/** The request to the backend, without what each dial adds: Upgrade, Connection, key, version, basic auth. */
export interface OutgoingRequest {
  /** Rewritten path and permitted query. */
  readonly target: string;
  /** Host: the client's, so that a backend that compares Origin with it still can; or the one that the route sets. */
  readonly authority: string;
  readonly headers: readonly HeaderField[];
  readonly protocols: readonly string[];
  readonly extensions: string | undefined;
}

/** The backend's request for a handshake. */
export function outgoing(handshake: Handshake, identity: Identity, rules: CompiledForwarding): OutgoingRequest {
  const { protocols, extensions } = offers(handshake, rules);
  return {
    target: targetOf(handshake, rules),
    authority: rules.hostname ?? handshake.authority,
    headers: [...clientHeaders(handshake, rules), ...gatewayHeaders(handshake, identity, rules)],
    protocols,
    extensions,
  };
}

function targetOf({ path, query }: Handshake, rules: CompiledForwarding): string {
  const rewritten = rewrite(path, rules);
  const kept = query === "" ? [] : query.split("&").filter((parameter) => isKept(parameterName(parameter), rules));
  return kept.length === 0 ? rewritten : `${rewritten}?${kept.join("&")}`;
}

function isKept(name: string, { queryAllowed, credentialQuery }: CompiledForwarding): boolean {
  return !credentialQuery.has(name) && (queryAllowed?.has(name) ?? true);
}

/** Replaces the matched prefix, or with Exact the whole path; never makes a `//`. */
function rewrite(path: string, { path: match, rewrite: to }: CompiledForwarding): string {
  if (to === undefined) return path;
  if (match.type === "Exact") return to;
  const rest = path.slice(match.value.length).replace(/^\//, "");
  if (rest === "") return path.length > match.value.length && !to.endsWith("/") ? `${to}/` : to;
  return to.endsWith("/") ? to + rest : `${to}/${rest}`;
}

/**
 * The client's own headers, without hop-by-hop ones (RFC 9110 §7.6.1), credentials, those that the gateway writes itself,
 * and those that only a proxy writes.
 */
function clientHeaders({ headers }: Handshake, rules: CompiledForwarding): HeaderField[] {
  const nominated = new Set(connectionOptions(headers).map(foldHeaderName));
  return headers.flatMap(([name, value]): HeaderField[] => {
    const folded = foldHeaderName(name);
    if (rules.dropped.has(folded) || nominated.has(folded)) return [];
    if (!mayPass(folded, rules)) return [];
    if (folded !== "cookie" || rules.credentialCookies.size === 0) return [[name, value]];
    const cookies = withoutCredentials(value, rules.credentialCookies);
    return cookies === "" ? [] : [[name, cookies]];
  });
}

/** Where the policy lists a header that only a proxy writes, the user says that a proxy in front of the gateway does. */
function mayPass(name: string, { allowed, keptCredentials }: CompiledForwarding): boolean {
  return allowed === undefined ? keptCredentials.has(name) || !isClaimed(name) : allowed.has(name);
}

function withoutCredentials(cookies: string, names: ReadonlySet<string>): string {
  const kept = cookies
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair !== "" && !names.has(cookieName(pair)));
  return kept.join("; ");
}

function gatewayHeaders(handshake: Handshake, identity: Identity, rules: CompiledForwarding): HeaderField[] {
  const { address, secure, authority, port, requestId } = handshake;
  const ours: readonly HeaderField[] = [
    ["X-Forwarded-For", address],
    ["X-Forwarded-Proto", secure ? "https" : "http"],
    ["X-Forwarded-Host", authority],
    ["X-Forwarded-Port", String(port)],
    ["X-Request-Id", requestId],
  ];
  const headers = [...ours.filter(([name]) => !rules.unwritten.has(name.toLowerCase())), ...rules.set];
  const client = identity.client === undefined ? undefined : headerText(identity.client);
  if (client !== undefined) headers.push([rules.clientHeader, client]);
  for (const { claim, header } of rules.claimHeaders) {
    const value = claimText(Object.hasOwn(identity.claims, claim) ? identity.claims[claim] : undefined);
    if (value !== undefined) headers.push([header, value]);
  }
  return headers;
}

/**
 * Strings, numbers and booleans as they are, lists of them with commas, anything else as JSON. undefined: there is none,
 * or it holds a number that is not the one that the issuer wrote, which could be another client's.
 */
function claimText(claim: unknown): string | undefined {
  if (claim === undefined || claim === null) return undefined;
  let exact = true;
  const json = JSON.stringify(claim, (_, value: unknown) => {
    exact &&= isExact(value);
    return value;
  });
  if (!exact) return undefined;
  const plain = (value: unknown): value is string | number | boolean =>
    ["string", "number", "boolean"].includes(typeof value);
  if (plain(claim)) return headerText(String(claim));
  const list = Array.isArray(claim) && claim.every((item) => plain(item) && !String(item).includes(","));
  return headerText(list ? claim.join(",") : json);
}

const MAX_HEADER_TEXT = 4096;

/**
 * The header value for text that a client or an issuer chose: visible ASCII as it is, anything else as
 * `=?base64url?<UTF-8>?=`, so that no text can end the line. Text that looks encoded is encoded again, so that no two
 * texts have the same value. undefined where the value is too long: cut off, it could be another client's.
 */
export function headerText(text: string): string | undefined {
  const plain = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !text.startsWith("=?base64url?");
  const value = plain ? text : `=?base64url?${Buffer.from(text).toString("base64url")}?=`;
  return value.length <= MAX_HEADER_TEXT ? value : undefined;
}

/** The client's offers, without credentials and without the plain `wsproxy` that stands beside them. */
function offers(handshake: Handshake, rules: CompiledForwarding): Pick<OutgoingRequest, "protocols" | "extensions"> {
  const names = rules.credentialSubprotocols;
  const protocols = handshake.protocols.filter(
    (protocol) =>
      names.length === 0 || (protocol !== PLAIN_SUBPROTOCOL && !names.some((name) => isUnder(name, protocol))),
  );
  return { protocols, extensions: offeredExtensions(handshake.extensions, rules.compression) };
}

/** May this subprotocol hold a credential of the route? */
export function holdsCredential(protocol: string, { secretSubprotocols }: CompiledForwarding): boolean {
  return secretSubprotocols.some((name) => isUnder(name, protocol));
}
