import { afterEach, beforeEach, expect } from "vitest";
import { keyOf, withKeys } from "./api-keys.ts";
import { polite, RawBackend } from "./backends.ts";
import { RawClient, reasonOf, request } from "./clients.ts";
import { FakeClock } from "./clock.ts";
import { configOf, endpointsOf, type ConfigParts, type RouteParts } from "./config.ts";
import { TestGateway } from "./gateway.ts";
import { StoreTruth, type FakeStore } from "./shared-limits.ts";
import { until } from "./sockets.ts";

export const store = { address: "store:6379" };
export const refusing = { ...store, whenUnavailable: "Refuse" as const };

export const route = (policies: object, own = true): RouteParts => ({
  policies: { ...withKeys(["alice", "bob"]), ...policies },
  ownPolicies: own ? Object.keys(policies) : [],
});

export const limited = (limit: number, per = "Client"): ConfigParts => ({
  store,
  routes: [route({ connections: [{ per, limit }] })],
});

export const storeOf = (one: TestGateway): FakeStore => one.stores.at(-1) as FakeStore;

/** How a handshake was answered: `101`, or status and reason. */
export async function told(raw: RawClient): Promise<string> {
  const answer = await raw.answer();
  return answer.status === 101 ? "101" : `${answer.status} ${reasonOf(answer)}`;
}

/** Gateways that count in one store, with what has connected to them. */
export class SharedPods {
  readonly clock = new FakeClock();
  readonly truth = new StoreTruth(this.clock);
  readonly #backend = new RawBackend(polite);
  /** What is closed behind the test. */
  readonly pods: TestGateway[] = [];
  readonly clients: RawClient[] = [];

  /** One for each test of a file: the function gives that of the test that runs. */
  static forEachTest(): () => SharedPods {
    let current: SharedPods;
    beforeEach(async () => {
      current = new SharedPods();
      await current.#backend.open();
    });
    afterEach(() => current.close());
    return () => current;
  }

  get backendPort(): number {
    return this.#backend.port;
  }

  async pod(parts: ConfigParts): Promise<TestGateway> {
    const one = new TestGateway(this.clock, undefined, undefined, undefined, this.truth);
    this.pods.push(one);
    await this.change(one, parts);
    return one;
  }

  async change(one: TestGateway, parts: ConfigParts): Promise<void> {
    expect(await one.apply(configOf(parts), endpointsOf([this.backendPort]))).toMatchObject({ ok: true });
  }

  async knock(one: TestGateway, client = "alice", target = "/"): Promise<RawClient> {
    const raw = await RawClient.send(one.port, request({ target, headers: { "X-Api-Key": keyOf(client) } }));
    this.clients.push(raw);
    return raw;
  }

  async outcome(one: TestGateway, client?: string): Promise<string> {
    return told(await this.knock(one, client));
  }

  async outcomes(one: TestGateway, count: number, client?: string): Promise<string[]> {
    const found: string[] = [];
    for (let n = 0; n < count; n += 1) found.push(await this.outcome(one, client));
    return found;
  }

  /** All clients hang up, and nothing is counted any more: not in a gateway, and not in the store. */
  async allEnd(): Promise<void> {
    for (const { socket } of this.clients) socket.destroy();
    for (const one of this.pods) await one.empty();
    for (const one of this.pods) expect(one.gateway.proxies[0]?.occupancy.size ?? 0).toBe(0);
    await until("the store counts nothing", () => this.truth.total === 0);
    expect(this.pods.flatMap(({ stores }) => stores.flatMap(({ overdrawn }) => overdrawn))).toEqual([]);
  }

  async close(): Promise<void> {
    for (const { socket } of this.clients) socket.destroy();
    for (const one of this.pods) await one.close();
    await this.#backend.close();
  }
}
