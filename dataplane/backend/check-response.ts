import { acceptOf } from "../http/accept-key.ts";
import {
  connectionOptions,
  elementsOf,
  MAX_CONNECTION_OPTIONS,
  MAX_ELEMENTS,
  valuesOf,
  type HeaderField,
} from "../http/header-fields.ts";

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

/** Checks a backend's 101 in full. `problem` names the header that is wrong. */
export function checkResponse(response: SwitchingResponse): Agreement {
  const { headers } = response;
  if (response.status !== 101) return { problem: `status ${response.status}` };
  if (response.httpVersion !== "1.1") return { problem: "not HTTP/1.1" };
  if (headers.length > MAX_FIELDS) return { problem: "too many header fields" };
  const upgrades = elementsOf(headers, "upgrade", MAX_ELEMENTS);
  if (upgrades?.length !== 1 || upgrades[0]?.toLowerCase() !== "websocket") {
    return { problem: "Upgrade is not websocket alone" };
  }
  const options = connectionOptions(headers);
  if (options.length > MAX_CONNECTION_OPTIONS) return { problem: "too many Connection options" };
  if (!options.includes("upgrade")) return { problem: "Connection does not say upgrade" };
  const accepts = valuesOf(headers, "sec-websocket-accept");
  if (accepts.length !== 1) return { problem: `${accepts.length} Sec-WebSocket-Accept fields` };
  if (accepts[0]?.trim() !== acceptOf(response.key)) return { problem: "Sec-WebSocket-Accept is not that of the key" };
  // Frameworks put a length of zero on every answer without a body; what follows the head is frames all the same.
  if (valuesOf(headers, "content-length").some((value) => !/^0+$/.test(value))) return { problem: "Content-Length" };
  if (valuesOf(headers, "transfer-encoding").length > 0) return { problem: "Transfer-Encoding" };
  const protocols = elementsOf(headers, "sec-websocket-protocol", MAX_ELEMENTS);
  const [protocol, ...others] = protocols ?? [];
  if (protocols === undefined || others.length > 0) return { problem: "several in Sec-WebSocket-Protocol" };
  if (protocol !== undefined && !response.protocols.includes(protocol)) {
    return { problem: "Sec-WebSocket-Protocol was not offered" };
  }
  const answered = elementsOf(headers, "sec-websocket-extensions", MAX_ELEMENTS);
  const [extensions, ...more] = answered ?? [];
  if (answered === undefined || more.length > 0) return { problem: "several in Sec-WebSocket-Extensions" };
  if (extensions === undefined) return { protocol, extensions };
  if (response.extensions === undefined || !isDeflateAnswer(extensions, response.extensions)) {
    return { problem: "Sec-WebSocket-Extensions was not offered" };
  }
  return { protocol, extensions };
}

const BITS = /^(?:[89]|1[0-5])$/;

/** One permessage-deflate with parameters as RFC 7692 §7.1 has them in a response to this offer. */
function isDeflateAnswer(answer: string, offer: string): boolean {
  const parts = answer.split(";").map((part) => part.trim());
  if (parts[0]?.toLowerCase() !== "permessage-deflate") return false;
  const offered = offer.toLowerCase();
  const seen = new Set<string>();
  return parts.slice(1).every((part) => {
    const [name = "", value, ...more] = part.split("=").map((text) => text.trim().replace(/^"(.*)"$/, "$1"));
    const key = name.toLowerCase();
    if (more.length > 0 || seen.has(key)) return false;
    seen.add(key);
    if (key === "server_no_context_takeover" || key === "client_no_context_takeover") return value === undefined;
    if (key === "server_max_window_bits") return value !== undefined && BITS.test(value);
    return key === "client_max_window_bits" && offered.includes(key) && value !== undefined && BITS.test(value);
  });
}
