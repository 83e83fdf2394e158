import { createHash } from "node:crypto";
import { STATUS_CODES } from "node:http";
import { expect } from "vitest";
import { REJECTIONS } from "../../dataplane/rejection.ts";
import { RawBackend, type BackendConnection } from "./backends.ts";
import { RawClient, request, type HandshakeParts, type RawAnswer } from "./clients.ts";
import type { ConfigParts, RouteParts } from "./config.ts";
import { TestGateway } from "./gateway.ts";
import { until } from "./sockets.ts";

/** The API key of every bench; it must stand in no log, metric or answer. */
export const SECRET = "canary-5f0c2d1e9b7a4863";
/** A key that is not valid; it must not stand there either. */
export const WRONG_SECRET = "canary-wrong-00000000000";

/** `require: All` with one API key for the client `alice`. */
export function apiKeyPolicy(
  from: readonly Record<string, string>[] = [{ header: "x-api-key" }, { query: "apikey" }],
  keys: Readonly<Record<string, string>> = { alice: SECRET },
): object {
  const entries = Object.entries(keys).map(([client, key]) => ({
    client,
    digest: createHash("sha256").update(key).digest("base64url"),
    disabled: false,
  }));
  return { require: "All", apiKey: { keys: entries, from } };
}

/** The valid request for `/ws` with the API key, with these changes. */
export function base(parts: HandshakeParts = {}): string {
  return request({ target: "/ws", ...parts, headers: { "X-Api-Key": SECRET, ...parts.headers } });
}

/** Ways to put the same bytes on the wire. */
export type Way = "one write" | "a byte a write" | "a line a write";
export const WAYS: readonly Way[] = ["one write", "a byte a write", "a line a write"];

function pieces(bytes: Buffer, way: Way): Buffer[] {
  if (way === "one write") return [bytes];
  if (way === "a byte a write") return Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  const lines: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf("\r\n", at);
    lines.push(bytes.subarray(at, end === -1 ? bytes.length : end + 2));
    at = end === -1 ? bytes.length : end + 2;
  }
  return lines;
}

/**
 * Writes bytes in this way. Between pieces the event loop has a turn, so that the gateway reads each by itself. Stops
 * at an answer.
 */
export async function put(client: RawClient, bytes: string | Buffer, way: Way): Promise<void> {
  for (const piece of pieces(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes, way)) {
    if (client.answered || client.closed || client.socket.destroyed) return;
    client.socket.write(piece);
    if (way !== "one write") await new Promise((resolve) => setImmediate(resolve));
  }
}

export interface Wanted {
  readonly status: number;
  /** A reason of the table of rejections, or `BackendRefused`. */
  readonly reason: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Connections that the backend gets. Default 0. */
  readonly dials?: number;
  /** The answer has no body (HEAD). */
  readonly bodiless?: boolean;
}

/** How long a refused socket may stay open, in ms. */
const CLOSED_WITHIN = 1000;

/**
 * A data plane with one route that requires an API key, in front of a raw backend, and the checks that every refusal
 * must pass.
 */
export class Bench {
  readonly gateway: TestGateway;
  readonly backend: RawBackend;
  /** What the backend does with connections of the test; handshakes with `X-Probe: good` are always accepted. */
  script: (connection: BackendConnection) => void = (connection) => connection.accept();
  readonly #secrets = new Set([SECRET, WRONG_SECRET]);

  constructor(gateway = new TestGateway()) {
    this.gateway = gateway;
    this.backend = new RawBackend((connection) => {
      if (!connection.head.includes("X-Probe: good")) return this.script(connection);
      connection.socket.once("end", () => connection.socket.end());
      connection.accept();
    });
  }

  /** Serves `/ws` with an API key, or what is given. */
  async open(route: RouteParts = {}, more: ConfigParts = {}): Promise<this> {
    await this.backend.open();
    const { policies, ...others } = route;
    const path = { type: "Prefix" as const, value: "/ws" };
    const guarded = { path, policies: { authentication: apiKeyPolicy(), ...policies }, ...others };
    await this.gateway.serve({ ...more, routes: [guarded, ...(more.routes ?? [])] }, [this.backend.port]);
    return this;
  }

  async close(): Promise<void> {
    await this.gateway.close();
    await this.backend.close();
  }

  /** Adds a text that must not appear in logs or metrics. */
  guard(secret: string): void {
    this.#secrets.add(secret);
  }

  connect(): Promise<RawClient> {
    return RawClient.open(this.gateway.port);
  }

  /** Sends the bytes and checks the refusal: answer, closed socket, metrics, dials, health of the gateway, no secret. */
  async expectRefusal(bytes: string | Buffer, wanted: Wanted, way: Way = "one write"): Promise<RawAnswer> {
    const before = await this.#state();
    const client = await this.connect();
    await put(client, bytes, way);
    const answer = await client.answer();
    await this.#gone(client);
    expectAnswer(answer, wanted);
    await this.#expectCounted(before, wanted);
    await this.expectHealthy();
    return answer;
  }

  /** The same in all three ways. */
  async expectRefusals(bytes: string | Buffer, wanted: Wanted): Promise<void> {
    for (const way of WAYS) await this.expectRefusal(bytes, wanted, way);
  }

  /** Checks that the process is healthy and the next valid handshake gets a 101. */
  async expectHealthy(): Promise<void> {
    expect((await this.gateway.admin("/healthz")).status).toBe(200);
    const client = await this.connect();
    client.socket.write(base({ headers: { "X-Probe": "good" } }));
    expect((await client.answer()).status).toBe(101);
    client.socket.destroy();
    await this.gateway.empty();
    await this.expectNoSecret();
  }

  async expectNoSecret(): Promise<void> {
    const metrics = (await this.gateway.admin("/metrics")).body;
    for (const secret of this.#secrets) {
      for (const spelling of [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64url")]) {
        expect(this.gateway.logged).not.toContain(spelling);
        expect(metrics).not.toContain(spelling);
      }
    }
  }

  /** The gateway closes the socket in time even where the client neither reads nor closes. */
  async expectHungUp(bytes: string | Buffer): Promise<void> {
    const client = await this.connect();
    await put(client, bytes, "one write");
    await until("the gateway ends its side", () => client.ended || client.closed);
    // A write to a closed socket causes a reset.
    const gone = (): boolean => client.closed || !client.socket.write("x");
    await until("the gateway has let go of the socket", gone, CLOSED_WITHIN);
  }

  async #gone(client: RawClient): Promise<void> {
    client.socket.end(); // the client's half is over: `closed` then says whether the gateway closes its own
    await until("the socket of the refused client is closed", () => client.closed, CLOSED_WITHIN);
    await until("no handshake is left", () => this.gateway.attempts === 0, CLOSED_WITHIN);
  }

  async #state(): Promise<{ connections: number; counts: Map<string, number> }> {
    return { connections: this.backend.connections.length, counts: await this.#counts() };
  }

  /** Samples of `handshakes_total` by status and reason. */
  async #counts(): Promise<Map<string, number>> {
    const metrics = (await this.gateway.admin("/metrics")).body;
    const counts = new Map<string, number>();
    for (const line of metrics.split("\n")) {
      const match = /^wsproxy_handshakes_total\{(.*)\} (\d+)$/.exec(line);
      if (match === null) continue;
      const label = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(match[1] ?? "")?.[1] ?? "";
      const key = `${label("status")} ${label("reason")}`;
      counts.set(key, (counts.get(key) ?? 0) + Number(match[2]));
    }
    return counts;
  }

  /** Values of the label `route`, in all metrics. */
  async #routes(): Promise<string[]> {
    const metrics = (await this.gateway.admin("/metrics")).body;
    return [...new Set(metrics.match(/(?<=[{,]route=")[^"]*/g))];
  }

  async #expectCounted(
    before: { connections: number; counts: Map<string, number> },
    { status, reason, dials = 0 }: Wanted,
  ): Promise<void> {
    const expected = new Map(before.counts);
    expected.set(`${status} ${reason}`, (expected.get(`${status} ${reason}`) ?? 0) + 1);
    expect(await this.#counts()).toEqual(expected);
    const known = ["", ...(this.gateway.config?.routes ?? []).map(({ name }) => name)];
    expect(known, "values of the label route").toEqual(expect.arrayContaining(await this.#routes()));
    const dialled = this.backend.connections.slice(before.connections);
    expect(dialled.length, "connections of the backend").toBe(dials);
    for (const { socket, payload } of dialled) {
      expect(payload.toString("latin1"), "what the backend got behind the head").toBe("");
      await until("the backend's connection is closed", () => socket.destroyed || socket.readableEnded, CLOSED_WITHIN);
      socket.destroy();
    }
  }
}

/** Status, fields and body of a refusal, as docs/reference/reasons.md says. */
export function expectAnswer(answer: RawAnswer, { status, reason, headers = {}, bodiless = false }: Wanted): void {
  expect(answer.status).toBe(status);
  expect(answer.headers.get("connection")).toBe("close");
  for (const [name, value] of Object.entries(headers)) expect(answer.headers.get(name), name).toBe(value);
  if (reason === "BackendRefused") return;
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  if (status === 401) expect(answer.headers.get("www-authenticate")).toMatch(/^(ApiKey|Bearer) realm="wsproxy"/);
  if (status === 405) expect(answer.headers.get("allow")).toBe("GET");
  if (status === 426) {
    expect(answer.headers.get("upgrade")).toBe("websocket");
    expect(answer.headers.get("sec-websocket-version")).toBe("13");
  }
  expect(answer.headers.has("retry-after"), "Retry-After").toBe([429, 503].includes(status));
  if (bodiless) return expect(answer.body).toBe("");
  expect(answer.headers.get("content-length")).toBe(String(Buffer.byteLength(answer.body)));
  const body = JSON.parse(answer.body) as Record<string, unknown>;
  expect(body).toEqual({
    type: `https://wsproxy.dev/problems/${reason}`,
    title: STATUS_CODES[status],
    status,
    reason,
    detail: REJECTIONS[reason as keyof typeof REJECTIONS].detail,
    requestId: expect.stringMatching(/^[A-Za-z0-9._-]{8,128}$/),
  });
}
