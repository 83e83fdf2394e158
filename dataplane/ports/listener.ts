import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { MAX_HEAD, type Arrival } from "../arrival.ts";
import type { Host } from "../waiting/newcomer.ts";
import { readBrokenHead, type BrokenHead } from "./broken-head.ts";
import type { Acceptor } from "./open-port.ts";
import type { Refusal } from "../rejection.ts";
import type { WaitingRoom } from "../waiting/waiting-room.ts";
import type { Client } from "../arrival.ts";

/** Certificate chain and private key, PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface ListenerOptions {
  /** Present: wss only. */
  readonly keyPair: KeyPair | undefined;
  /** Where its sockets wait until their heads are complete. */
  readonly room: WaitingRoom;
  /** Is this address a proxy that is trusted? */
  readonly trusts: (address: string) => boolean;
  /** For the request head, TLS handshake included; in ms, asked for each socket. */
  readonly handshakeTimeout: () => number;
  /** A request with a complete head, once for each socket. */
  readonly arrived: (client: Client) => void;
  /** A request that the parser refused, or that did not come in time. */
  readonly broken: (socket: Socket, refusal: Refusal, head: BrokenHead) => void;
  /** A client's TLS handshake failed, and it cannot be sent an answer. */
  readonly tlsFailed: (address: string, cause: string) => void;
}

/** What the HTTP parser says of bytes that it refuses. */
interface ParserError extends NodeJS.ErrnoException {
  /** The last bytes that were read: not always the beginning of the head. */
  readonly rawPacket?: Buffer;
  readonly reason?: string;
}

const NOTHING = Buffer.alloc(0);

/** What a public port leads to: HTTP/1.1 heads in, bounded in size, number and time. What comes behind a head is passed on unread. */
export class Listener implements Acceptor {
  readonly #server: Server | TlsServer;
  readonly #options: ListenerOptions;
  readonly #host: Host;
  /** A socket gets one answer: what is pipelined behind its first request is not looked at. */
  readonly #answered = new WeakSet<Socket>();

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#host = {
      tls: options.keyPair !== undefined,
      trusts: options.trusts,
      timeout: options.handshakeTimeout,
      spoke: (socket) => this.#spoke(socket),
      overdue: (socket, beginning) => this.#overdue(socket, beginning),
    };
    this.#server = this.#create();
    this.#server.maxHeadersCount = 0; // the parser would leave headers out in silence; our own limit answers 431
    this.#server.headersTimeout = 0; // the waiting room is exact, and knows the config
    this.#server.requestTimeout = 0;
    this.#server.timeout = 0;
    this.#server.keepAliveTimeout = 1000;
    this.#server.on("secureConnection", (socket: TLSSocket) => {
      socket.on("error", () => socket.destroy());
      options.room.secured(socket);
    });
    this.#server.on("tlsClientError", (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      const { remoteAddress } = socket;
      // Not what fails because the client left.
      if (error.code?.startsWith("ERR_SSL_") === true && remoteAddress !== undefined) {
        options.tlsFailed(remoteAddress, tlsCause(error.code));
      }
      socket.destroy();
    });
    for (const event of ["request", "checkContinue", "checkExpectation"]) {
      this.#server.on(event, (request: IncomingMessage) => this.#arrived(request, request.socket, NOTHING));
    }
    for (const event of ["upgrade", "connect"]) {
      this.#server.on(event, (request: IncomingMessage, given: Duplex, early: Buffer) => {
        const { socket } = request;
        // Before a body is complete Node 26 gives a wrapper of the socket, without its address; it fails with the socket.
        if (given !== socket) given.on("error", () => {});
        this.#arrived(request, socket, early);
      });
    }
    this.#server.on("clientError", (error: ParserError, socket: Socket) => this.#broken(error, socket));
  }

  /** Takes a connection on, which is not being read. */
  accept(socket: Socket): void {
    if (this.#options.keyPair !== undefined) socket.allowHalfOpen = false; // as node:tls has it for its own sockets
    this.#options.room.enter(socket, this.#host);
  }

  /** New connections get this certificate; open ones stay. */
  rotate(keyPair: KeyPair): void {
    if ("setSecureContext" in this.#server) this.#server.setSecureContext(secureContext(keyPair));
  }

  #create(): Server | TlsServer {
    const http = { maxHeaderSize: 2 * MAX_HEAD, insecureHTTPParser: false, requireHostHeader: false };
    const { keyPair } = this.#options;
    if (keyPair === undefined) return createServer(http);
    return createTlsServer({ ...http, ...secureContext(keyPair), ALPNProtocols: ["http/1.1"] });
  }

  /** The parser, and the memory of a TLS connection, are only for clients that have sent something. */
  #spoke(socket: Socket): void {
    this.#server.emit("connection", socket);
    if (this.#options.keyPair === undefined) socket.resume(); // node:tls reads on by itself
  }

  #arrived(request: IncomingMessage, socket: Socket, early: Buffer): void {
    if (this.#answered.has(socket)) {
      readNoFurther(socket); // a client that pipelines requests while the first is looked at does not keep the gateway busy
      return;
    }
    this.#answered.add(socket);
    const arrival: Arrival = {
      method: request.method ?? "",
      target: request.url ?? "",
      httpVersion: request.httpVersion,
      rawHeaders: request.rawHeaders,
      peer: socket.remoteAddress ?? "",
      encrypted: this.#options.keyPair !== undefined,
    };
    this.#options.room.complete(socket, () => {
      // No event tells any more of a client that left while it waited for its turn.
      if (socket.readableEnded) socket.destroy();
      if (!socket.destroyed) this.#options.arrived({ socket, early, arrival });
    });
  }

  #overdue(socket: Socket, beginning: Buffer | undefined): void {
    if (this.#answered.has(socket)) return;
    this.#answered.add(socket);
    // A client whose TLS handshake is not complete cannot be sent an answer.
    if (this.#options.keyPair !== undefined && !(socket instanceof TLSSocket)) socket.destroy();
    this.#options.broken(socket, { reason: "HandshakeTimeout" }, readBrokenHead(beginning));
  }

  #broken(error: ParserError, socket: Socket): void {
    if (error.code === undefined || !error.code.startsWith("HPE_")) {
      socket.destroy();
      return;
    }
    if (this.#answered.has(socket)) {
      readNoFurther(socket); // rubbish behind the first request must not cut its answer off
      return;
    }
    this.#answered.add(socket);
    const refusal = refusalOf(error);
    const head = readBrokenHead(firstOf(error.rawPacket, this.#options.room.beginning(socket)));
    this.#options.room.complete(socket, () => this.#options.broken(socket, refusal, head));
  }
}

/** The parser has only the last packet: what a later one holds is not the beginning of the head. */
function firstOf(packet: Buffer | undefined, beginning: Buffer | undefined): Buffer | undefined {
  return beginning === undefined || packet?.subarray(0, beginning.length).equals(beginning) === true
    ? packet
    : beginning;
}

/** Behind what has been read already; the parser resumes the socket at the end of each message, hence the tick. */
function readNoFurther(socket: Socket): void {
  process.nextTick(() => socket.pause());
}

function secureContext({ certificate, privateKey }: KeyPair): { cert: string; key: string; minVersion: "TLSv1.2" } {
  return { cert: certificate, key: privateKey, minVersion: "TLSv1.2" };
}

function refusalOf(error: ParserError): Refusal {
  if (error.code !== "HPE_HEADER_OVERFLOW") return { reason: "BadHandshake", cause: parserCause(error) };
  // Past the parser's limit without the end of the request line: it was the target that was too long.
  const inRequestLine =
    error.rawPacket?.subarray(0, MAX_HEAD).includes("\r\n") === false &&
    error.rawPacket.toString("latin1", 0, 4) === "GET ";
  return { reason: inRequestLine ? "TargetTooLong" : "HeadersTooLarge" };
}

/** The parser's own words are fixed texts. A TLS record of a handshake begins with 22 and 3 (RFC 8446 §5.1). */
function parserCause({ code = "", reason, rawPacket }: ParserError): string {
  if (rawPacket?.[0] === 0x16 && rawPacket[1] === 0x03) return "TLS on a port without TLS";
  if (code === "HPE_PAUSED_H2_UPGRADE") return "HTTP/2 on a port that speaks HTTP/1.1 only";
  return reason === undefined ? code : `${code}: ${reason}`;
}

function tlsCause(code: string): string {
  return code === "ERR_SSL_HTTP_REQUEST" ? "plain HTTP on a port with TLS" : code;
}
