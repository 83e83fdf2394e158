import type { HeaderField } from "../http/header-fields.ts";
import { acceptOf } from "../http/accept-key.ts";

/** What the client's 101 says. */
export interface SwitchingProtocols {
  readonly key: string;
  readonly protocol: string | undefined;
  readonly extensions: string | undefined;
  /** Of the backend's 101, as far as they go on to the client. */
  readonly headers: readonly HeaderField[];
}

/** The head of the client's 101 response. */
export function switchingProtocols({ key, protocol, extensions, headers }: SwitchingProtocols): Buffer {
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${acceptOf(key)}`,
  ];
  if (protocol !== undefined) lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
  if (extensions !== undefined) lines.push(`Sec-WebSocket-Extensions: ${extensions}`);
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}
