import { constants } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { aborted } from "../../runtime/aborted.ts";
import { listen } from "../../runtime/listen.ts";
import { Connections, type Closed, type Connection } from "./port/connections.ts";
import { Exchanges, type ExchangeOptions } from "./port/exchanges.ts";
import { Handshakes } from "./port/handshakes.ts";

/** A certificate with its chain, and its private key; PEM. */
export interface ServingPair {
  readonly key: string;
  readonly cert: string;
}

export interface WebhookOptions extends ExchangeOptions {
  /** The pair to serve with; undefined: there is none yet. */
  readonly pair: () => ServingPair | undefined;
  /** A connection was closed without an answer. */
  readonly closed: (why: Closed) => void;
}

/** Connections that the kernel holds until they are accepted: beyond them it drops a caller's first packet for a second. */
const BACKLOG = 4096;
/** The parser's code for a connection that ends in the middle of a request. */
const CALLER_LEFT = "HPE_INVALID_EOF_STATE";
/** Bytes of a request head. */
const LARGEST_HEAD = 8192;
/** A Service still leads callers here for so long after the pod began to stop; ms. Measured: the last came after 0.9 s. */
const SERVE_ON = 5000;
/** How long calls under way may take when the port is closed; ms. */
const LAST_CALLS = 5000;

/**
 * The webhook's port: HTTPS for API servers, which anything in the cluster can reach. It is bounded in connections,
 * handshakes, bodies and time, so that a flood of other callers keeps no API server from its answer.
 *
 * The port is open from the start, so that a port in use is told at once. Until there is a pair, it closes connections as
 * they come: a Service leads no caller to a pod that is not ready.
 */
export class WebhookServer {
  readonly #options: WebhookOptions;
  readonly #connections: Connections;
  readonly #handshakes: Handshakes<Connection>;
  readonly #exchanges: Exchanges;
  readonly #port: Server;
  readonly #https: TlsServer;
  /** Connections whose TLS is being set up, by the caller's address and port. */
  readonly #starting = new Map<string, Connection>();
  readonly #ofSocket = new WeakMap<Socket, Connection>();
  #paired = false;

  constructor(options: WebhookOptions) {
    this.#options = options;
    this.#connections = new Connections(options.clock, options.closed);
    this.#exchanges = new Exchanges(options, this.#connections);
    this.#handshakes = new Handshakes(options.clock, (connection) => this.#secure(connection));
    this.#port = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => this.#came(socket));
    this.#https = createTlsServer({
      minVersion: "TLSv1.2",
      ALPNProtocols: ["http/1.1"],
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      maxHeaderSize: LARGEST_HEAD,
      // All of these are the connections' own deadlines, on the clock that is passed in.
      headersTimeout: 0,
      requestTimeout: 0,
      keepAliveTimeout: 0,
      handshakeTimeout: 2 ** 30,
    });
    this.#https.on("secureConnection", (socket: TLSSocket) => this.#secured(socket));
    this.#https.on("tlsClientError", (_, socket: TLSSocket) => this.#broken(socket, "TLS"));
    this.#https.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => this.#unreadable(error, socket));
    this.#https.on("request", (request, response) => this.#requested(request, response));
  }

  /** Can it answer? The port is open, there is a pair, and the operator knows all proxies. */
  get usable(): boolean {
    return this.#port.listening && this.#paired && this.#options.ready();
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Calls that are read and wait for their answer. */
  get waiting(): number {
    return this.#exchanges.waiting;
  }

  /** New connections get the pair that there is now; open ones stay. Throws where TLS cannot use it. */
  pairChanged(): void {
    const pair = this.#options.pair();
    if (pair === undefined) return;
    this.#https.setSecureContext(pair);
    this.#paired = true;
  }

  /** Opens the port; rejects with Node's error. Port 0: any free port. */
  open(address: string, port: number): Promise<AddressInfo> {
    return listen(this.#port, { host: address, port, backlog: BACKLOG });
  }

  /** Serves until aborted and for a while after that; resolves when no connection is open any more. */
  async run(signal: AbortSignal): Promise<void> {
    await aborted(signal);
    this.#exchanges.closing = true;
    await this.#after(SERVE_ON);
    this.#port.close();
    this.#connections.closeAll("Unused");
    await Promise.race([this.#connections.empty(), this.#after(LAST_CALLS)]);
    this.close();
  }

  /** Closes the port and every connection at once. */
  close(): void {
    this.#port.close();
    this.#connections.closeAll("All");
  }

  #after(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.clock.after(ms, resolve));
  }

  #came(socket: Socket): void {
    socket.on("error", () => {});
    if (!this.#paired) {
      this.#options.closed("NoCertificate");
      socket.destroy();
      return;
    }
    const connection = this.#connections.open(socket);
    socket.once("close", () => this.#handshakes.leave(connection.address, connection));
    this.#handshakes.enter(connection.address, connection);
  }

  #secure(connection: Connection): void {
    const { socket } = connection;
    if (connection.stage === "Gone") return;
    const peer = peerOf(socket);
    this.#starting.set(peer, connection);
    socket.once("close", () => {
      if (this.#starting.get(peer) === connection) this.#starting.delete(peer);
    });
    this.#https.emit("connection", socket);
  }

  #secured(socket: TLSSocket): void {
    const connection = this.#starting.get(peerOf(socket));
    socket.on("error", () => {});
    if (connection === undefined) socket.destroy();
    else this.#ofSocket.set(socket, connection);
  }

  #broken(socket: Socket, why: Closed): void {
    const connection = this.#ofSocket.get(socket) ?? this.#starting.get(peerOf(socket));
    if (connection === undefined) socket.destroy();
    else this.#connections.close(connection, why);
  }

  /** The parser refuses a request, or the connection failed. */
  #unreadable({ code = "" }: NodeJS.ErrnoException, socket: Socket): void {
    const connection = this.#ofSocket.get(socket);
    if (socket.writableEnded || socket.destroyed) return;
    const malformed = code.startsWith("HPE_") && code !== CALLER_LEFT;
    if (malformed) this.#options.closed("Malformed");
    // While an answer is awaited, this one would be taken for it.
    if (!malformed || connection?.stage === "Busy") {
      socket.destroy();
      return;
    }
    const status = code === "HPE_HEADER_OVERFLOW" ? "431 Request Header Fields Too Large" : "400 Bad Request";
    socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    socket.destroySoon();
  }

  #requested(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#ofSocket.get(request.socket);
    if (connection === undefined) request.socket.destroy();
    else this.#exchanges.handle(request, response, connection);
  }
}

/** The two ends of a connection: TLS and the socket below it have the same. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
