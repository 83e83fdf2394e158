import { foldHeaderName } from "../names.ts";

/** Headers of the handshake and of one hop: the gateway writes them, and no policy changes them. */
export const HANDSHAKE_HEADERS = [
  "host",
  "connection",
  "upgrade",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "content-length",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "sec-websocket-key",
  "sec-websocket-version",
  "sec-websocket-accept",
  "sec-websocket-protocol",
  "sec-websocket-extensions",
] as const;

/** Headers in which the gateway describes the client's request: it writes them unless `forwarding.headers` removes or sets them. */
export const REQUEST_HEADERS = [
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-request-id",
] as const;

/** Headers under which only the gateway speaks: no credential, client id or claim may stand there. */
export const RESERVED_HEADERS = [...HANDSHAKE_HEADERS, ...REQUEST_HEADERS] as const;

/** Headers in which only a gateway may name the client or its request; a client's are never forwarded, whatever the policy allows. */
const CLAIMS = [
  "forwarded",
  "x-original-url",
  "x-original-uri",
  "x-original-host",
  "x-rewrite-url",
  "x-forwarded-uri",
  "x-forwarded-prefix",
  "x-forwarded-path",
  "x-forwarded-server",
  "x-forwarded-ssl",
  "x-forwarded-scheme",
  "x-real-ip",
] as const;

/** Headers that ask the next hop for something other than a WebSocket; a client's are not forwarded. */
const HOP_REQUESTS = ["expect", "http2-settings"] as const;

/** Headers of which a client's own never reach a backend. */
export const NEVER_FORWARDED = [...RESERVED_HEADERS, ...CLAIMS, ...HOP_REQUESTS] as const;

/** Is a name on the list, or one that differs from it in case, `_`, `.` and `-` only? A backend may take it for the same. */
export function isAmong(list: readonly string[], name: string): boolean {
  return list.includes(foldHeaderName(name));
}
