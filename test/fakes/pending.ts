import { keyOf } from "./api-keys.ts";
import type { BackendConnection, RawBackend } from "./backends.ts";
import { RawClient, reasonOf, request } from "./clients.ts";
import { text } from "./frames.ts";
import type { TestGateway } from "./gateway.ts";
import type { ClientParts } from "./live.ts";
import { until } from "./sockets.ts";

/** The answer of a refused client, and what is left of its handshake. */
export interface Lost {
  /** `401 CredentialRevoked` */
  readonly told: string;
  readonly challenge: string | undefined;
  /** Bytes that the backend got after the request head. */
  readonly leaked: string;
  /** Numbers of handshakes, sessions, and counted subjects. */
  readonly left: readonly number[];
}

/** A handshake under way: frames came behind its head, and the backend has the request but has not sent its 101. */
export class Pending {
  readonly client: RawClient;
  readonly backend: BackendConnection;
  readonly #gateway: TestGateway;

  private constructor(client: RawClient, backend: BackendConnection, gateway: TestGateway) {
    this.client = client;
    this.backend = backend;
    this.#gateway = gateway;
  }

  /** `more` follows the request head in the same packet. */
  static async open(
    gateway: TestGateway,
    backend: RawBackend,
    parts: ClientParts = {},
    more: Buffer = text("secret orders", true),
  ): Promise<Pending> {
    const before = backend.connections.length;
    const client = await RawClient.send(gateway.port, Buffer.concat([Buffer.from(headOf(parts)), more]));
    await until("the backend has the request", () => (backend.connections[before]?.head ?? "") !== "" || client.ended);
    const connection = backend.connections[before];
    if (connection === undefined) throw new Error(`refused: ${client.received.toString("latin1")}`);
    return new Pending(client, connection, gateway);
  }

  /** The answer to a handshake that lost its permission, after the backend's connection is closed too. */
  async lost(): Promise<Lost> {
    const answer = await this.client.answer();
    await until("the backend's connection is closed", () => this.backend.ended || this.backend.closed);
    await this.#gateway.empty();
    const [proxy] = this.#gateway.gateway.proxies;
    return {
      told: answer.status === 101 ? "101" : `${answer.status} ${reasonOf(answer)}`,
      challenge: answer.headers.get("www-authenticate"),
      leaked: this.backend.payload.toString("latin1"),
      left: [this.#gateway.attempts, this.#gateway.sessions, proxy?.occupancy.size ?? 0],
    };
  }

  /** The backend sends its 101; resolves when the frames behind the client's head have reached it. */
  async opens(): Promise<void> {
    this.backend.accept();
    const { status } = await this.client.answer();
    if (status !== 101) throw new Error(`refused: ${status}`);
    await until("the first frame came", () => this.backend.payload.length > 0);
  }
}

export function headOf({ client, address, target = "/", headers = {} }: ClientParts): string {
  return request({
    target,
    headers: {
      ...(client === undefined ? {} : { "X-Api-Key": keyOf(client) }),
      ...(address === undefined ? {} : { "X-Forwarded-For": address }),
      ...headers,
    },
  });
}
