import { acceptFor, type BackendConnection } from "./backends.ts";

/** A 101 with some of its lines changed; null leaves one out. */
export function switching(
  changes: Record<string, string | readonly string[] | null> = {},
  line = "HTTP/1.1 101 Switching Protocols",
) {
  return (connection: BackendConnection): void => {
    const lines: Record<string, string | readonly string[] | null> = {
      Upgrade: "websocket",
      Connection: "Upgrade",
      "Sec-WebSocket-Accept": acceptFor(connection.values("sec-websocket-key")[0] ?? ""),
      ...changes,
    };
    const fields = Object.entries(lines).flatMap(([name, value]) =>
      value === null ? [] : [value].flat().map((one) => `${name}: ${one}`),
    );
    connection.socket.write(Buffer.from(`${[line, ...fields].join("\r\n")}\r\n\r\n`, "latin1"));
  };
}
