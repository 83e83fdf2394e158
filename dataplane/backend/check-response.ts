import { acceptOf } from "../http/accept-key.ts";
import { connectionOptions, MAX_CONNECTION_OPTIONS, valuesOf, type HeaderField } from "../http/header-fields.ts";

/** A backend's answer to the handshake, and what it was asked. */
export interface SwitchingResponse {
  readonly status: number;
  readonly httpVersion: string;
  readonly headers: readonly HeaderField[];
  readonly key: string;
  readonly protocols: readonly string[];
  readonly extensions: string | undefined;
}

/** What was agreed on, or what is wrong with the answer (RFC 6455 §4.1, end). */
export type Agreement =
  | { readonly protocol: string | undefined; readonly extensions: string | undefined }
  | { readonly problem: string };

const MAX_FIELDS = 128;

/** Checks a backend's 101 in full. */
export function checkResponse(response: SwitchingResponse): Agreement {
  const { headers } = response;
  if (response.status !== 101) return { problem: `status ${response.status}` };
  if (response.httpVersion !== "1.1") return { problem: "not HTTP/1.1" };
  if (headers.length > MAX_FIELDS) return { problem: "too many header fields" };
  const [upgrade, ...moreUpgrades] = valuesOf(headers, "upgrade");
  if (upgrade?.toLowerCase() !== "websocket" || moreUpgrades.length > 0) return { problem: "Upgrade" };
  const options = connectionOptions(headers);
  if (options.length > MAX_CONNECTION_OPTIONS) return { problem: "too many Connection options" };
  if (!options.includes("upgrade")) return { problem: "Connection" };
  const accepts = valuesOf(headers, "sec-websocket-accept");
  if (accepts.length !== 1 || accepts[0] !== acceptOf(response.key)) return { problem: "Sec-WebSocket-Accept" };
  if (valuesOf(headers, "content-length").length > 0 || valuesOf(headers, "transfer-encoding").length > 0) {
    return { problem: "a response body" };
  }
  const [protocol, ...moreProtocols] = valuesOf(headers, "sec-websocket-protocol");
  if (moreProtocols.length > 0 || (protocol !== undefined && !response.protocols.includes(protocol))) {
    return { problem: "a subprotocol that was not offered" };
  }
  const answered = valuesOf(headers, "sec-websocket-extensions");
  if (answered.length === 0) return { protocol, extensions: undefined };
  const extensions = answered.join(", ");
  if (response.extensions === undefined || !isDeflateAnswer(extensions, response.extensions)) {
    return { problem: "an extension that was not offered" };
  }
  return { protocol, extensions };
}

const BITS = /^(?:[89]|1[0-5])$/;

/** One permessage-deflate with parameters as RFC 7692 §7.1 has them in a response to this offer. */
function isDeflateAnswer(answer: string, offer: string): boolean {
  const parts = answer.split(";").map((part) => part.trim());
  if (answer.includes(",") || parts[0]?.toLowerCase() !== "permessage-deflate") return false;
  const offered = offer.toLowerCase();
  const seen = new Set<string>();
  return parts.slice(1).every((part) => {
    const [name = "", value] = part.split("=").map((text) => text.trim().replace(/^"(.*)"$/, "$1"));
    const key = name.toLowerCase();
    if (seen.has(key)) return false;
    seen.add(key);
    if (key === "server_no_context_takeover" || key === "client_no_context_takeover") return value === undefined;
    if (key === "server_max_window_bits") return value !== undefined && BITS.test(value);
    return key === "client_max_window_bits" && offered.includes(key) && value !== undefined && BITS.test(value);
  });
}
