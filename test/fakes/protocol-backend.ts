import type { WebSocket } from "ws";
import { WsBackend } from "./backends.ts";

const text = (data: unknown): string => String(data);
const INFO = { server_id: "fake", server_name: "fake", version: "2.10.0", proto: 1, max_payload: 1_048_576 };

type Opening = (socket: WebSocket, connected: () => void) => void;

/**
 * By the first segment of the path: what a server of the protocol says until the client counts as connected. Where a
 * client sends something next, that is awaited: until then it may take an end for a failed start.
 */
const OPENINGS: Readonly<Record<string, Opening>> = {
  chat: (_socket, connected) => connected(),
  "socket.io": (socket, connected) => {
    socket.send('0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}');
    answer(socket, "40", '40{"sid":"b"}', connected);
  },
  graphql: (socket, connected) => {
    answer(socket, "connection_init", '{"type":"connection_ack"}', () => socket.once("message", connected));
  },
  hub: (socket, connected) => answer(socket, "protocol", "{}\x1e", () => socket.once("message", connected)),
  mqtt: (socket, connected) => answer(socket, "MQTT", Buffer.from([0x20, 2, 0, 0]), connected),
  stomp: (socket, connected) => answer(socket, "CONNECT", "CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\0", connected),
  nats: (socket, connected) => {
    socket.send(Buffer.from(`INFO ${JSON.stringify(INFO)}\r\n`));
    answer(socket, "PING", Buffer.from("PONG\r\n"), () => {});
    socket.on("message", (data) => text(data).includes("SUB ") && connected());
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

/** Answers the first message that holds these words. */
function answer(socket: WebSocket, words: string, reply: string | Buffer, then: () => void): void {
  const look = (data: unknown): void => {
    if (!text(data).includes(words)) return;
    socket.off("message", look);
    socket.send(reply);
    then();
  };
  socket.on("message", look);
}
