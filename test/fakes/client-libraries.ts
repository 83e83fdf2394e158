import { Agent, WebSocket as UndiciSocket } from "undici";
import websocket, { type Connection } from "websocket";
import { WebSocket as WsSocket } from "ws";
import { until } from "./sockets.ts";

interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** A client of a library, which counts its messages and notes its end. */
interface LibraryClient {
  messages: number;
  closed: Closed | undefined;
  /** Sends if the session is still open. */
  send(data: string): void;
  close(code: number, reason: string): void;
}

/** A WebSocket as browsers have it. */
interface BrowserSocket {
  readonly readyState: number;
  send(data: string): void;
  close(code: number, reason: string): void;
}

async function browserLike(socket: BrowserSocket): Promise<LibraryClient> {
  const client: LibraryClient = {
    messages: 0,
    closed: undefined,
    send: (data) => socket.readyState === 1 && socket.send(data),
    close: (code, reason) => socket.close(code, reason),
  };
  Object.assign(socket, {
    onmessage: () => void (client.messages += 1),
    onerror: () => {},
    onclose: ({ code, reason }: Closed) => void (client.closed = { code, reason }),
  });
  await until("the client is open", () => socket.readyState === 1);
  return client;
}

/** Not its `w3cwebsocket`: that sends on after it has read a Close frame, and then reports an error of its own. */
async function ofWebsocket(url: string, ca: string): Promise<LibraryClient> {
  let connection: Connection | undefined;
  const client: LibraryClient = {
    messages: 0,
    closed: undefined,
    send: (data) => connection?.connected === true && connection.send(data),
    close: (code, reason) => connection?.close(code, reason),
  };
  const dialling = new websocket.client({ tlsOptions: { ca } });
  dialling.on("connect", (opened) => {
    connection = opened;
    opened.on("message", () => void (client.messages += 1));
    opened.on("error", () => {});
    opened.on("close", (code: number, reason: string) => void (client.closed = { code, reason }));
  });
  dialling.connect(url);
  await until("the client is open", () => connection !== undefined);
  return client;
}

/** Client libraries by name; `ca` is the authority that they trust over wss. */
export const LIBRARIES: Readonly<Record<string, (url: string, ca: string) => Promise<LibraryClient>>> = {
  undici: (url, ca) => browserLike(new UndiciSocket(url, { dispatcher: new Agent({ connect: { ca } }) })),
  // For wss the authority must be one that the whole process trusts.
  "Node's own": (url) => browserLike(new WebSocket(url)),
  websocket: ofWebsocket,
  ws: (url, ca) => browserLike(new WsSocket(url, { ca })),
};
