import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { WebSocketServer, type ServerOptions, type WebSocket } from "ws";
import { Peer } from "./sockets.ts";

/** RFC 6455 §4.2.2, written independently of the product. */
export function acceptFor(key: string): string {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

/** A connection of a raw backend: the request head, then in `received` everything that follows. */
export class BackendConnection extends Peer {
  /** The request head, from the request line to the empty line, as it came. */
  head = "";

  /** Values of a header of the request, in order. */
  values(name: string): string[] {
    const lines = this.head.split("\r\n").slice(1);
    return lines
      .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
      .map((line) => line.slice(name.length + 1).trim());
  }

  /** Bytes that came after the request head. */
  override get payload(): Buffer {
    return this.received.subarray(this.head.length);
  }

  /** Sends a correct 101, with additional header lines, and bytes after it in the same packet. */
  accept(lines: readonly string[] = [], more: Buffer = Buffer.alloc(0)): void {
    const key = this.values("sec-websocket-key")[0] ?? "";
    const head = [
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Accept: ${acceptFor(key)}`,
      ...lines,
    ].join("\r\n");
    this.socket.write(Buffer.concat([Buffer.from(`${head}\r\n\r\n`), more]));
  }
}

/** A backend's script: accepts every handshake, and hangs up when the other end does. */
export function polite(connection: BackendConnection): void {
  connection.accept();
  connection.socket.on("end", () => connection.socket.end());
}

/** A backend that is a TCP (with `tls`: TLS) socket and a script: sees every byte, and sends what the script says. */
export class RawBackend {
  readonly connections: BackendConnection[] = [];
  /** All sockets, also those whose TLS handshake never completed. */
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  constructor(script: (connection: BackendConnection) => void = (connection) => connection.accept(), tls?: TlsOptions) {
    const got = (socket: Socket): void => {
      const connection = new BackendConnection(socket);
      this.connections.push(connection);
      const look = (): void => {
        const end = connection.received.indexOf("\r\n\r\n");
        if (end === -1) return;
        socket.off("data", look);
        connection.head = connection.received.toString("latin1", 0, end + 4);
        script(connection);
      };
      socket.on("data", look);
    };
    const options = { allowHalfOpen: true, noDelay: true };
    this.#server = tls === undefined ? createServer(options, got) : createTlsServer({ ...options, ...tls }, got);
    this.#server.on("connection", (socket: Socket) => this.#sockets.add(socket));
    this.#server.on("tlsClientError", (_error, socket: Socket) => socket.destroy());
  }

  async open(port = 0, host = "127.0.0.1"): Promise<this> {
    this.#server.listen(port, host);
    await once(this.#server, "listening");
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The newest connection. */
  get last(): BackendConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error("the backend was not dialled");
    return connection;
  }

  async close(): Promise<void> {
    for (const socket of [...this.#sockets, ...this.connections.map((connection) => connection.socket)])
      socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** A backend made of `ws`; without a handler it echoes, with a key pair it speaks TLS. */
export class WsBackend {
  readonly server: WebSocketServer;
  readonly #listener: HttpServer;

  constructor(
    answer: (socket: WebSocket) => void = echo,
    options: ServerOptions = {},
    keyPair?: { readonly certificate: string; readonly privateKey: string },
  ) {
    this.#listener =
      keyPair === undefined
        ? createHttpServer()
        : createHttpsServer({ cert: keyPair.certificate, key: keyPair.privateKey });
    this.server = new WebSocketServer({ server: this.#listener, maxPayload: 64 * 1024 * 1024, ...options });
    this.server.on("connection", (socket) => {
      socket.on("error", () => {});
      answer(socket);
    });
  }

  async open(host = "127.0.0.1"): Promise<this> {
    this.#listener.listen(0, host);
    await once(this.#listener, "listening");
    return this;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const client of this.server.clients) client.terminate();
    this.server.close();
    const closed = once(this.#listener, "close");
    this.#listener.close();
    await closed;
  }
}

function echo(socket: WebSocket): void {
  socket.on("message", (data, binary) => socket.send(data, { binary }));
}
