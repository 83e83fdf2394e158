import { randomUUID } from "node:crypto";
import type { AddressList } from "../address-list.ts";
import { addressSubject, clientOrigin } from "../addresses.ts";
import { checkTarget, hostOf, portOf } from "./check-target.ts";
import {
  connectionOptions,
  elementsOf,
  fieldsOf,
  MAX_CONNECTION_OPTIONS,
  MAX_ELEMENTS,
  valuesOf,
  type HeaderField,
} from "../http/header-fields.ts";
import type { Handshake } from "../opening-handshake.ts";
import type { Refusal } from "../rejection.ts";
import { MAX_HEAD, type Arrival } from "../arrival.ts";

const MAX_FIELDS = 128;
const MAX_PROTOCOLS = 64;
const MAX_EXTENSIONS = 1024;
const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

/** A request with a sound form. */
export interface Checked {
  readonly handshake: Handshake;
  /** Sec-WebSocket-Key; "" where `deferred` is set. */
  readonly key: string;
  /** Is sent only after route and credential have been checked: 426. */
  readonly deferred: Refusal | undefined;
}

const bad = (cause: string): Refusal => ({ reason: "BadHandshake", cause });

/** The strict check of RFC 6455 §4.2.1 and of everything that could make another server read the request differently. */
export function checkHandshake(arrival: Arrival, trusted: AddressList): Checked | Refusal {
  const headers = fieldsOf(arrival.rawHeaders);
  const sizes = headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
  if (arrival.target.length <= MAX_HEAD && (headers.length > MAX_FIELDS || sizes > MAX_HEAD)) {
    return { reason: "HeadersTooLarge" };
  }
  const hosts = valuesOf(headers, "host");
  const authority = hosts[0] ?? "";
  const target = checkTarget(arrival.target, authority);
  if ("reason" in target) return target;
  const host = hostOf(authority);
  if (hosts.length > 1) return { reason: "AmbiguousTarget", cause: "two Host fields" };
  if (host === undefined) return bad("Host is missing or malformed");
  if (arrival.httpVersion !== "1.1") return bad("not HTTP/1.1");
  if (arrival.method !== "GET") return { reason: "MethodNotAllowed" };
  if (valuesOf(headers, "transfer-encoding").length > 0) return bad("a request body");
  if (valuesOf(headers, "content-length").some((value) => value !== "0")) return bad("a request body");
  const protocols = offeredProtocols(headers);
  if (protocols === undefined) {
    return bad(`Sec-WebSocket-Protocol names more than ${MAX_PROTOCOLS}, one twice, or one that is no token`);
  }
  const extensions = offeredExtensions(headers);
  if (extensions === undefined) return bad("Sec-WebSocket-Extensions is malformed or too long");
  const upgrade = checkUpgrade(headers);
  if (upgrade.refusal !== undefined && upgrade.refusal.reason === "BadHandshake") return upgrade.refusal;
  const { address, secure, port } = clientOrigin(arrival.peer, arrival.encrypted, headers, trusted);
  return {
    handshake: {
      requestId: requestId(headers),
      address,
      addressSubject: addressSubject(address),
      secure,
      authority,
      host,
      path: target.path,
      query: target.query,
      headers,
      protocols,
      extensions: extensions.length === 0 ? undefined : extensions.join(", "),
      port: port ?? usablePort(authority) ?? (secure ? 443 : 80),
    },
    key: upgrade.key,
    deferred: upgrade.refusal,
  };
}

/** No client connects to port 0, though a Host may say so. */
function usablePort(authority: string): number | undefined {
  const port = portOf(authority);
  return port === 0 ? undefined : port;
}

/** Upgrade, Connection, version and key together: 400 for what is malformed; 426, deferred, for a plain request or another version. */
function checkUpgrade(headers: readonly HeaderField[]): { refusal: Refusal | undefined; key: string } {
  const upgrade = elementsOf(headers, "upgrade", MAX_ELEMENTS);
  const upgrades = valuesOf(headers, "upgrade").length > 0;
  const options = connectionOptions(headers);
  if (options.length > MAX_CONNECTION_OPTIONS) return { refusal: bad("too many Connection options"), key: "" };
  const connected = options.includes("upgrade");
  if (upgrades && (upgrade?.length !== 1 || upgrade[0]?.toLowerCase() !== "websocket")) {
    return { refusal: bad("Upgrade is not websocket alone"), key: "" };
  }
  if (!upgrades || !connected) return { refusal: { reason: "UpgradeRequired" }, key: "" };
  const versions = valuesOf(headers, "sec-websocket-version");
  const version = versions[0] ?? "";
  if (versions.length !== 1 || !/^[0-9]{1,9}$/.test(version)) return { refusal: bad("Sec-WebSocket-Version"), key: "" };
  const keys = valuesOf(headers, "sec-websocket-key");
  const key = keys[0] ?? "";
  if (version !== "13") return { refusal: { reason: "VersionUnsupported" }, key: "" };
  // 16 bytes in base64: 22 characters of which the last carries 2 bits, and the padding.
  if (keys.length !== 1 || !/^[A-Za-z0-9+/]{21}[AQgw]==$/.test(key))
    return { refusal: bad("Sec-WebSocket-Key"), key: "" };
  return { refusal: undefined, key };
}

function offeredProtocols(headers: readonly HeaderField[]): string[] | undefined {
  const names = elementsOf(headers, "sec-websocket-protocol", MAX_PROTOCOLS);
  if (names === undefined || new Set(names).size !== names.length) return undefined;
  return names.every((name) => TOKEN.test(name)) ? names : undefined;
}

/** The offers (RFC 6455 §9.1), in time that grows with the length only; undefined: one is malformed, or they are too long. */
function offeredExtensions(headers: readonly HeaderField[]): string[] | undefined {
  const length = valuesOf(headers, "sec-websocket-extensions").join(", ").length;
  if (length > MAX_EXTENSIONS) return undefined;
  const offers = elementsOf(headers, "sec-websocket-extensions", MAX_EXTENSIONS + 1);
  return offers?.every(isExtension) === true ? offers : undefined;
}

/** Values in quotes must be tokens within. */
function isExtension(offer: string): boolean {
  const [name = "", ...parameters] = offer.split(";").map((part) => part.trim());
  return TOKEN.test(name) && parameters.every(isParameter);
}

function isParameter(text: string): boolean {
  const at = text.indexOf("=");
  if (at === -1) return TOKEN.test(text);
  const value = text.slice(at + 1).trim();
  const inner = value.length > 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
  return TOKEN.test(text.slice(0, at).trim()) && TOKEN.test(inner);
}

function requestId(headers: readonly HeaderField[]): string {
  const [first, ...more] = valuesOf(headers, "x-request-id");
  const sane = first !== undefined && more.length === 0 && /^[A-Za-z0-9._-]{1,128}$/.test(first);
  return sane ? first : randomUUID();
}
