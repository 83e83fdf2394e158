import type { HeaderField } from "../http/header-fields.ts";
import type { OutgoingRequest } from "../policies/outgoing.ts";
import type { Target } from "./balancer.ts";

/** Header fields of the handshake with a backend (RFC 6455 §4.1); its own basicAuth replaces any Authorization. */
export function requestHeaders(request: OutgoingRequest, { backend }: Target, key: string): HeaderField[] {
  const headers: HeaderField[] = [
    ["Host", request.authority],
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Key", key],
    ["Sec-WebSocket-Version", "13"],
  ];
  if (request.protocols.length > 0) headers.push(["Sec-WebSocket-Protocol", request.protocols.join(", ")]);
  if (request.extensions !== undefined) headers.push(["Sec-WebSocket-Extensions", request.extensions]);
  if (backend.basicAuth === undefined) return [...headers, ...request.headers];
  const { username, password } = backend.basicAuth;
  const credentials = Buffer.from(`${username}:${password}`).toString("base64");
  const others = request.headers.filter(([name]) => name.toLowerCase() !== "authorization");
  return [...headers, ["Authorization", `Basic ${credentials}`], ...others];
}
