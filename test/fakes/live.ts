import { keyOf } from "./api-keys.ts";
import type { BackendConnection, RawBackend } from "./backends.ts";
import { RawClient, request } from "./clients.ts";
import { closeOf, parse, type ReadFrame } from "./frames.ts";
import type { TestGateway } from "./gateway.ts";
import { until, type Peer } from "./sockets.ts";

/** The client of a session; what is absent is not sent. */
export interface ClientParts {
  readonly client?: string;
  /** Believed where the gateway trusts 127.0.0.1. */
  readonly address?: string;
  readonly target?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type From = "fromClient" | "fromBackend";

/** A session through the gateway, with the test at both far ends, byte by byte. */
export class Live {
  readonly client: RawClient;
  readonly backend: BackendConnection;

  private constructor(client: RawClient, backend: BackendConnection) {
    this.client = client;
    this.backend = backend;
  }

  static async open(gateway: TestGateway, backend: RawBackend, parts: ClientParts = {}): Promise<Live> {
    const headers = {
      ...(parts.client === undefined ? {} : { "X-Api-Key": keyOf(parts.client) }),
      ...(parts.address === undefined ? {} : { "X-Forwarded-For": parts.address }),
      ...parts.headers,
    };
    const before = backend.connections.length;
    const client = await RawClient.send(gateway.port, request({ target: parts.target ?? "/", headers }));
    const { status, body } = await client.answer();
    if (status !== 101) throw new Error(`refused: ${status} ${body}`);
    const connection = backend.connections[before];
    if (connection === undefined) throw new Error("the backend was not dialled");
    return new Live(client, connection);
  }

  /** The end that sends in this direction. */
  sender(from: From): Peer {
    return from === "fromClient" ? this.client : this.backend;
  }

  /** Complete frames that have arrived at the receiver of this direction. */
  frames(from: From): ReadFrame[] {
    return parse(from === "fromClient" ? this.backend.payload : this.client.payload).frames;
  }

  /** Payloads of these frames as text, without Close frames. */
  texts(from: From): string[] {
    return this.frames(from)
      .filter(({ opcode }) => opcode !== 8)
      .map(({ payload }) => String(payload));
  }

  /** Resolves when this many frames have arrived. */
  async arrived(from: From, count: number): Promise<void> {
    await until(`${count} frames ${from}`, () => this.frames(from).length >= count || this.client.told);
  }

  /** Code and reason of the Close that each end got. */
  async ended(): Promise<{ toClient: string; toBackend: string }> {
    await until("both ends were told", () => this.client.told && this.backend.told);
    const told = (from: From): string => {
      const last = this.frames(from).findLast(({ opcode }) => opcode === 8);
      return last === undefined ? "nothing" : `${closeOf(last).code} ${closeOf(last).reason}`.trim();
    };
    return { toClient: told("fromBackend"), toBackend: told("fromClient") };
  }

  /** Checks that the session is still open: a ping of the client reaches the backend. */
  async lives(): Promise<void> {
    const before = this.frames("fromClient").length;
    this.client.send(Buffer.from([0x89, 0x80, 1, 2, 3, 4]));
    await until("a ping got through", () => this.frames("fromClient").length > before || this.client.told);
    if (this.client.told) throw new Error("the session has ended");
  }
}
