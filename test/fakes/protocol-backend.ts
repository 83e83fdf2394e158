import type { WebSocket } from "ws";
import { WsBackend } from "./backends.ts";

const text = (data: unknown): string => String(data);
const INFO = { server_id: "fake", server_name: "fake", version: "2.10.0", proto: 1, max_payload: 1_048_576 };

/** By the first segment of the path: what a server of the protocol says until the client counts as connected. */
const OPENINGS: Readonly<Record<string, (socket: WebSocket, connected: () => void) => void>> = {
  chat: (_socket, connected) => connected(),
  "socket.io": (socket, connected) => {
    socket.send('0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}');
    answer(socket, (data) => (text(data) === "40" ? '40{"sid":"b"}' : undefined), connected);
  },
  graphql: (socket, connected) => {
    answer(socket, (data) => (text(data).includes("init") ? '{"type":"connection_ack"}' : undefined), connected);
  },
  hub: (socket, connected) => answer(socket, () => "{}\x1e", connected),
  mqtt: (socket, connected) => answer(socket, () => Buffer.from([0x20, 2, 0, 0]), connected),
  stomp: (socket, connected) => answer(socket, () => "CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\0", connected),
  nats: (socket, connected) => {
    socket.send(Buffer.from(`INFO ${JSON.stringify(INFO)}\r\n`));
    answer(socket, (data) => (text(data).includes("PING") ? Buffer.from("PONG\r\n") : undefined), connected);
  },
};

/** A backend that speaks as much of some protocols as their client libraries need to be connected. */
export class ProtocolBackend extends WsBackend {
  /** Connections, in order, whose client is connected by the rules of its protocol. */
  readonly connected: WebSocket[] = [];

  constructor() {
    super(() => {});
    this.server.on("connection", (socket, { url = "/" }) => {
      const protocol = url.split(/[/?]/)[1] ?? "";
      OPENINGS[protocol]?.(socket, () => void this.connected.push(socket));
    });
  }
}

/** Sends the first answer that there is to a message of the client. */
function answer(socket: WebSocket, to: (data: unknown) => string | Buffer | undefined, connected: () => void): void {
  const look = (data: unknown): void => {
    const reply = to(data);
    if (reply === undefined) return;
    socket.off("message", look);
    socket.send(reply);
    connected();
  };
  socket.on("message", look);
}
