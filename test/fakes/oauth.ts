import type { IncomingMessage } from "node:http";
import { inspect } from "node:util";
import { FETCH_TIMEOUT } from "../../dataplane/auth/guarded-fetch.ts";
import { systemClock, type Clock } from "../../runtime/clock.ts";
import { WsBackend } from "./backends.ts";
import { RawClient, reasonOf, request, WsClient, type HandshakeParts } from "./clients.ts";
import { FakeClock } from "./clock.ts";
import { TestGateway } from "./gateway.ts";
import { IdentityProvider, type Resource } from "./idp.ts";
import { settle } from "./idp-bench.ts";
import { until } from "./sockets.ts";

/** Resource indicators of the benches' providers: JWTs, opaque tokens. */
export const JWT = "urn:chat";
export const OPAQUE = "urn:opaque";

/** The headers that carry a token as RFC 6750 says. */
export const bearer = (token: string): HandshakeParts => ({ headers: { Authorization: `Bearer ${token}` } });

/** The answer to a refused client. */
export interface Refused {
  readonly status: number;
  readonly reason: string;
  readonly headers: ReadonlyMap<string, string>;
}

/** A real OAuth server, a gateway that uses it, and a backend that records its handshakes. */
export class OAuthBench {
  readonly idp: IdentityProvider;
  readonly gateway: TestGateway;
  readonly backend: WsBackend;
  readonly handshakes: IncomingMessage[] = [];
  readonly #clock: Clock;
  readonly #tokens = new Set<string>();

  constructor(resources: Readonly<Record<string, Resource>>, clock: Clock = systemClock) {
    this.idp = new IdentityProvider(resources);
    this.gateway = new TestGateway(clock);
    this.backend = new WsBackend();
    this.backend.server.on("connection", (_, handshake) => void this.handshakes.push(handshake));
    this.#clock = clock;
  }

  async open(): Promise<this> {
    await Promise.all([this.idp.up(), this.backend.open()]);
    return this;
  }

  /** Puts one route in force that demands this. Keepalive is off: these tests move the clock in larger steps than its interval. */
  async serve(authentication: object, forwarding: object = {}): Promise<void> {
    const keepalive = { interval: "0s", timeout: "10s" };
    const claimHeaders = [
      { claim: "tenant", header: "x-tenant" },
      { claim: "constructor", header: "x-constructor" },
    ];
    const policies = { authentication, keepalive, forwarding: { claimHeaders, ...forwarding } };
    await this.gateway.serve({ routes: [{ policies }] }, [this.backend.port]);
  }

  /** A token from the server, which must stand in no log, metric or page. */
  async token(resource: string, scope?: string): Promise<string> {
    const token = await this.idp.token(resource, scope);
    this.#tokens.add(token);
    return token;
  }

  /** A session that a token opened. */
  connect(token: string): Promise<WsClient> {
    return WsClient.open(this.gateway.url(), [], { headers: { authorization: `Bearer ${token}` } });
  }

  /** Resolves when this many sessions are left. A session counts until both its connections are closed. */
  async left(sessions: number): Promise<void> {
    await until(`${sessions} sessions are left`, () => this.gateway.sessions === sessions);
  }

  /**
   * Sends a handshake that must be refused, and checks the refusal: no dial, connection closed, counted under its
   * reason.
   */
  async refused(parts: HandshakeParts, target = "/"): Promise<Refused> {
    const dials = this.handshakes.length;
    const before = await this.#counts();
    const client = await RawClient.send(this.gateway.port, request({ target, ...parts }));
    const answer = await client.answer();
    client.socket.destroy();
    if (answer.status === 101) throw new Error("not refused");
    const reason = reasonOf(answer);
    const counted = `${answer.status} ${reason}`;
    for (const [key, count] of await this.#counts()) {
      const more = count - (before.get(key) ?? 0);
      if (more !== (key === counted ? 1 : 0)) throw new Error(`${counted} counts ${more} as ${key}`);
    }
    if (this.handshakes.length !== dials) throw new Error("the backend was dialled");
    return { status: answer.status, reason, headers: answer.headers };
  }

  /** `<status> <reason>` of a refusal. */
  async refusalOf(token: string): Promise<string> {
    this.#tokens.add(token);
    const { status, reason } = await this.refused(bearer(token));
    return `${status} ${reason}`;
  }

  /** Advances the clock timer by timer; each request to the server is answered before the time goes on. */
  async pass(ms: number): Promise<void> {
    const clock = this.#clock;
    if (!(clock instanceof FakeClock)) throw new Error("real time passes by itself");
    for (let left = ms; left > 0;) {
      const step = Math.min(left, Math.max(0, clock.next));
      clock.advance(step);
      left -= step;
      await settle();
      await until("the server has answered", () => !clock.has(FETCH_TIMEOUT));
      await settle();
    }
  }

  /** Names of the outputs in which a token or its signature can be read. */
  async #leaks(): Promise<string[]> {
    // With messages and stacks of errors, as the real log writes them.
    const log = inspect(this.gateway.lines, { depth: null, maxStringLength: null, maxArrayLength: null });
    const outputs: Record<string, string> = { log };
    for (const path of ["/metrics", "/config", "/config/routes", "/sessions"])
      outputs[path] = (await this.gateway.admin(path)).body;
    const secrets = [...this.#tokens].flatMap((token) => [token, token.split(".")[2] ?? ""]);
    const long = secrets.filter((secret) => secret.length > 20);
    return Object.keys(outputs).filter((output) => long.some((secret) => outputs[output]?.includes(secret)));
  }

  /** Fails where a token that was offered can be read in a log line, a metric or an admin answer. */
  async close(): Promise<void> {
    const leaks = await this.#leaks();
    await this.gateway.close();
    await Promise.all([this.backend.close(), this.idp.down()]);
    if (leaks.length > 0) throw new Error(`a token can be read in ${leaks.join(", ")}`);
  }

  /** Answered handshakes by `<status> <reason>`. */
  async #counts(): Promise<Map<string, number>> {
    const metrics = await this.gateway.metrics.registry.getMetricsAsJSON();
    const values = metrics.find(({ name }) => name === "wsproxy_handshakes_total")?.values ?? [];
    const counts = new Map<string, number>();
    for (const { labels, value } of values) {
      const key = `${labels["status"]} ${labels["reason"]}`;
      counts.set(key, (counts.get(key) ?? 0) + value);
    }
    return counts;
  }
}
