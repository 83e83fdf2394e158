import { connectionOptions, type HeaderField } from "../http/header-fields.ts";

/** What of a backend's 101 does not go on to the client. */
const NOT_FORWARDED = new Set([
  // The gateway says these itself, or they are for one hop only.
  "upgrade",
  "connection",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "content-length",
  "proxy-connection",
  // Credentials between a proxy and its client: here the gateway is the backend's.
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-authentication-info",
  // Sends browsers to another host and port, around the gateway (RFC 7838).
  "alt-svc",
  // What browsers keep for the whole host, of which the backend serves one route: TLS only (RFC 6797), keys that are
  // pinned (RFC 7469), where reports on the host go, and that all its cookies and storage are thrown away.
  "strict-transport-security",
  "public-key-pins",
  "public-key-pins-report-only",
  "expect-ct",
  "nel",
  "report-to",
  "reporting-endpoints",
  "clear-site-data",
  // Says where a page goes next: there is no page.
  "refresh",
]);

/** What the gateway says itself, and what an nginx in front of it takes for an order to serve another file. */
const NOT_FORWARDED_PREFIXES = ["sec-websocket-", "x-accel-"];

/** What of a backend's refusal goes on to the client, beside status and body: a short list, so that no order to a browser is on it. */
const RELAYED = new Set([
  "content-type",
  "content-encoding",
  "content-language",
  "cache-control",
  "location",
  "retry-after",
  "www-authenticate",
  "allow",
  "sec-websocket-version",
]);

/** The fields of a backend's 101 that go on to the client; Set-Cookie is among them. */
export function switchingFields(headers: readonly HeaderField[]): HeaderField[] {
  const hopByHop = new Set(connectionOptions(headers));
  return headers.filter(([field]) => {
    const name = field.toLowerCase();
    if (NOT_FORWARDED.has(name) || hopByHop.has(name)) return false;
    return !NOT_FORWARDED_PREFIXES.some((prefix) => name.startsWith(prefix));
  });
}

/** The fields of a backend's refusal that go on to the client. */
export function refusalFields(headers: readonly HeaderField[]): HeaderField[] {
  return headers.filter(([name]) => RELAYED.has(name.toLowerCase()));
}
