import { once } from "node:events";
import { connect } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { WebSocket, type ClientOptions } from "ws";
import { Peer, until } from "./sockets.ts";

/** The handshake of RFC 6455 §1.2, byte by byte; `null` leaves a line out, lines can be added or replaced by name. */
export interface HandshakeParts {
  readonly method?: string;
  readonly target?: string;
  readonly version?: string;
  /** Name → value, value list, or null. Names are sent as they are written here. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>;
}

export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

export function request(parts: HandshakeParts = {}): string {
  const headers: Record<string, string | readonly string[] | null> = {
    Host: "a.test",
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
    ...parts.headers,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === null ? [] : [value].flat().map((one) => `${name}: ${one}`),
  );
  return `${[`${parts.method ?? "GET"} ${parts.target ?? "/"} ${parts.version ?? "HTTP/1.1"}`, ...lines].join("\r\n")}\r\n\r\n`;
}

/** An HTTP answer, unchanged. */
export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** A client that is a TCP socket: it can send any bytes, and sees every byte that comes. */
export class RawClient extends Peer {
  static async open(port: number, host = "127.0.0.1"): Promise<RawClient> {
    const socket = connect({ port, host, allowHalfOpen: true });
    const client = new RawClient(socket);
    socket.setNoDelay(true);
    await once(socket, "connect");
    return client;
  }

  /** Over TLS; throws the error of the TLS handshake. */
  static async openTls(port: number, options: ConnectionOptions): Promise<RawClient> {
    const halfOpen = { allowHalfOpen: true }; // which the types do not know of
    const socket = connectTls({ port, host: "127.0.0.1", ...halfOpen, ...options });
    const client = new RawClient(socket);
    socket.setNoDelay(true);
    await once(socket, "secureConnect");
    return client;
  }

  /** Opens, and sends this text at once. */
  static async send(port: number, text: string | Buffer): Promise<RawClient> {
    const client = await RawClient.open(port);
    client.socket.write(text);
    return client;
  }

  /** The head of the answer has come. */
  get answered(): boolean {
    return this.received.includes("\r\n\r\n");
  }

  /** The answer, once its head is here (for a refusal: once the gateway has hung up). */
  async answer(): Promise<RawAnswer> {
    await until("an answer's head came", () => this.answered || this.ended || this.closed);
    const end = this.received.indexOf("\r\n\r\n");
    const [line = "", ...fields] = this.received.toString("latin1", 0, Math.max(0, end)).split("\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(`${line} `)?.[1] ?? Number.NaN);
    const headers = new Map(
      fields.map((field) => [
        field.slice(0, field.indexOf(":")).toLowerCase(),
        field.slice(field.indexOf(":") + 1).trim(),
      ]),
    );
    if (status !== 101) await until("the gateway hung up after a refusal", () => this.ended || this.closed);
    return { status, headers, body: status === 101 ? "" : this.received.toString("utf8", end + 4) };
  }

  /** Bytes that came after the head of the answer. */
  override get payload(): Buffer {
    const end = this.received.indexOf("\r\n\r\n");
    return end === -1 ? Buffer.alloc(0) : this.received.subarray(end + 4);
  }
}

/** Reason in a problem+json answer. */
export function reasonOf({ body }: RawAnswer): string {
  return (JSON.parse(body) as { reason: string }).reason;
}

/** A `ws` client that records messages, pings, pongs and its end. */
export class WsClient {
  readonly socket: WebSocket;
  readonly messages: { data: Buffer; binary: boolean }[] = [];
  readonly pings: Buffer[] = [];
  readonly pongs: Buffer[] = [];
  closed: { code: number; reason: string } | undefined;
  /** Status of a refused handshake. */
  status: number | undefined;
  /** Body of a refused handshake. */
  refusal = "";

  constructor(url: string, protocols: string[] = [], options: ClientOptions = {}) {
    this.socket = new WebSocket(url, protocols, { maxPayload: 64 * 1024 * 1024, ...options });
    this.socket.on("error", () => {});
    this.socket.on("message", (data, binary) => this.messages.push({ data: data as Buffer, binary }));
    this.socket.on("ping", (data) => this.pings.push(data));
    this.socket.on("pong", (data) => this.pongs.push(data));
    this.socket.on("close", (code, reason) => (this.closed = { code, reason: reason.toString() }));
    this.socket.on("unexpected-response", (outgoing, response) => {
      this.status = response.statusCode;
      response.on("data", (chunk: Buffer) => (this.refusal += chunk.toString()));
      response.on("close", () => outgoing.destroy());
    });
  }

  /** Opens; throws with the status where the handshake is refused. */
  static async open(url: string, protocols: string[] = [], options: ClientOptions = {}): Promise<WsClient> {
    const client = new WsClient(url, protocols, options);
    await client.opened();
    return client;
  }

  async opened(): Promise<this> {
    await until(
      "the handshake was answered",
      () => this.socket.readyState === 1 || this.status !== undefined || this.closed !== undefined,
    );
    if (this.socket.readyState !== 1) throw new Error(`refused: ${this.status ?? this.closed?.code}`);
    return this;
  }

  /** The status with which the handshake was refused. */
  async refused(): Promise<number> {
    await until("the handshake was refused", () => this.socket.readyState === 3);
    return this.status ?? Number.NaN;
  }

  /** The n-th message (from 1), once it is here. */
  async message(n = 1): Promise<string> {
    await until(`message ${n} came`, () => this.messages.length >= n || this.closed !== undefined);
    const message = this.messages[n - 1];
    if (message === undefined) throw new Error(`closed before message ${n}: ${JSON.stringify(this.closed)}`);
    return message.data.toString();
  }

  /** Code and reason, once the connection is closed. */
  async close(): Promise<{ code: number; reason: string }> {
    await until("the connection was closed", () => this.closed !== undefined);
    return this.closed ?? { code: Number.NaN, reason: "" };
  }
}
