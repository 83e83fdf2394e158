import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { keyOf, withKeys } from "../fakes/api-keys.ts";
import { polite, RawBackend } from "../fakes/backends.ts";
import { RawClient, reasonOf, request } from "../fakes/clients.ts";
import { configOf, endpointsOf, type ConfigParts } from "../fakes/config.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { until } from "../fakes/sockets.ts";
import { STORE_LACKS, StoreServer } from "../store/server.ts";

let server: StoreServer;
let backend: RawBackend;
let pods: TestGateway[];
let clients: RawClient[];

beforeAll(async () => {
  if (STORE_LACKS === undefined) server = await StoreServer.start();
});
afterAll(async () => {
  await server?.close();
});
beforeEach(async () => {
  [pods, clients] = [[], []];
  backend = await new RawBackend((connection) => {
    const { head, socket } = connection;
    if (head.includes("refuse")) socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    else if (!head.includes("/silent")) polite(connection);
  }).open();
  if (STORE_LACKS === undefined) await empty();
});
afterEach(async () => {
  for (const { socket } of clients) socket.destroy();
  for (const one of pods) await one.close();
  await backend.close();
});

/** Nothing is in the store, and it has known its pods for long: else a pod waits until it has. */
async function empty(): Promise<void> {
  await server.ask("FLUSHALL");
  await server.ask("HSET", "{test/proxy}:pods", "@", "1");
}

type Store = NonNullable<ConfigParts["store"]>;
const store = (more: Partial<Store> = {}): Store => ({ address: server.address, ...more });
const refusing = { whenUnavailable: "Refuse" as const };
const keys = withKeys(["alice", "bob"]);
const routed = (policies: object, more: Partial<Store> | false = refusing): ConfigParts => ({
  ...(more === false ? {} : { store: store(more) }),
  routes: [{ policies: { ...keys, ...policies } }],
});
const limited = (limit: number, more?: Partial<Store> | false): ConfigParts =>
  routed({ connections: [{ per: "Client", limit }] }, more);

async function change(one: TestGateway, parts: ConfigParts): Promise<void> {
  expect(await one.apply(configOf(parts), endpointsOf([backend.port]))).toMatchObject({ ok: true });
}

const isAvailable = (one: TestGateway): boolean => one.gateway.proxies[0]?.shared?.available === true;

async function pod(parts: ConfigParts): Promise<TestGateway> {
  const one = new TestGateway();
  pods.push(one);
  await change(one, parts);
  if (parts.store !== undefined) await until("the store can be asked", () => isAvailable(one));
  return one;
}

async function knock(one: TestGateway, client = "alice", target = "/"): Promise<RawClient> {
  const raw = await RawClient.send(one.port, request({ target, headers: { "X-Api-Key": keyOf(client) } }));
  clients.push(raw);
  return raw;
}

async function told(raw: RawClient): Promise<string> {
  const answer = await raw.answer();
  return answer.status === 101 ? "101" : `${answer.status} ${reasonOf(answer)}`;
}

const once = async (one: TestGateway): Promise<string> => told(await knock(one));

/** The answer of a gateway that refuses while the store takes too long on a busy machine: it is asked again. */
async function outcome(one: TestGateway): Promise<string> {
  for (;;) {
    const answer = await once(one);
    if (answer !== "503 StoreUnavailable") return answer;
    await until("it can ask", () => isAvailable(one));
  }
}

/** A question that was given up may have taken its token all the same. */
async function late(): Promise<number> {
  const counts = pods.map((one) => one.metric("store_requests_total", { result: "Late" }));
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

/**
 * So many at once, in turn at each pod, and again while the store takes too long on a busy machine: how many got in. The
 * others were refused for this reason.
 */
async function crowd(count: number, at: readonly TestGateway[], refusal: string): Promise<number> {
  let passed = 0;
  for (;;) {
    const all = await Promise.all(Array.from({ length: count }, (_, n) => knock(at[n % at.length] as TestGateway)));
    const answers = await Promise.all(all.map(told));
    passed += answers.filter((it) => it === "101").length;
    const others = new Set(answers.filter((it) => it !== "101"));
    if (!others.delete("503 StoreUnavailable")) {
      expect([...others]).toEqual([refusal]);
      return passed;
    }
    await until("all can ask", () => at.every(isAvailable));
  }
}

/** Places in the store, over all subjects and the pods that live. */
async function places(): Promise<number> {
  const names = (await server.ask("KEYS", "{test/proxy}:c:*")) as string[];
  const living = new Set((await server.ask("HKEYS", "{test/proxy}:pods")) as string[]);
  let sum = 0;
  for (const name of names) {
    const ids = ((await server.ask("HKEYS", name)) as string[]).filter((id) => living.has(id));
    for (const id of ids) sum += Number(await server.ask("HGET", name, id));
  }
  return sum;
}

const areHeld = (count: number): Promise<void> =>
  until(`${count} places are in the store`, async () => (await places()) === count);

const open = (): number => pods.reduce((sum, { sessions }) => sum + sessions, 0);

describe.skipIf(STORE_LACKS !== undefined)("gateways with one real store", () => {
  test("two gateways admit a limit of 5 together, and a place is free again at once", async () => {
    const [one, two] = [await pod(limited(5)), await pod(limited(5))];
    expect(await crowd(60, [one, two], "429 ConnectionLimit")).toBe(5);
    expect(open()).toBe(5);
    await areHeld(5);
    for (let turn = 0; turn < 3; turn += 1) {
      const last = clients.findLast((it) => it.received.includes("101 Switching") && !it.closed);
      last?.socket.destroy();
      await until("the session ended", () => open() === 4);
      await areHeld(4);
      expect(await crowd(6, [one, two], "429 ConnectionLimit")).toBe(1);
    }
    for (const { socket } of clients) socket.destroy();
    await areHeld(0);
  });

  test("a place is given back when the backend refuses, and when the client leaves during the dial", async () => {
    const [one, two] = [await pod(limited(1)), await pod(limited(1))];
    const refused = await (await knock(one, "alice", "/refuse")).answer();
    expect(refused.status).toBe(403);
    await areHeld(0);
    const leaving = await knock(two, "alice", "/silent");
    await until("it is dialled", () => backend.connections.length === 2);
    await areHeld(1);
    expect(await outcome(one)).toBe("429 ConnectionLimit");
    leaving.socket.destroy();
    await areHeld(0);
    expect([await outcome(one), await outcome(two)]).toEqual(["101", "429 ConnectionLimit"]);
  });

  test.each(["Client", "IP", "Route", "Proxy"])("per %s: two gateways have one bucket of attempts", async (per) => {
    const parts = routed({ attempts: [{ per, limit: 6, interval: "1h" }] });
    const [one, two] = [await pod(parts), await pod(parts)];
    const status = per === "Client" || per === "IP" ? 429 : 503;
    const passed = await crowd(20, [one, two], `${status} AttemptLimit`);
    if ((await late()) === 0) expect(passed).toBe(6);
    expect(passed).toBeLessThanOrEqual(6);
    const refused = await (await knock(two)).answer();
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(590);
  });

  async function scripts(): Promise<number> {
    const stats = String(await server.ask("INFO", "commandstats"));
    return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
  }

  test.each(["Client", "IP", "Route", "Proxy"])(
    "per %s: a flood that was refused costs the store nothing",
    async (per) => {
      const parts = routed({ attempts: [{ per, limit: 1, interval: "1h" }] });
      const [one, two] = [await pod(parts), await pod(parts)];
      const status = per === "Client" || per === "IP" ? 429 : 503;
      expect(await crowd(6, [one, two], `${status} AttemptLimit`)).toBeLessThanOrEqual(1);
      const before = [await two.metric("store_requests_total", { operation: "Take" }), await scripts()] as const;
      for (let n = 0; n < 100; n += 1) expect(await outcome(two)).toMatch(/AttemptLimit/);
      expect(await two.metric("store_requests_total", { operation: "Take" })).toBe(before[0]);
      // Each pod renews its id every 2 s.
      expect((await scripts()) - before[1]).toBeLessThan(20);
    },
  );

  test("while the store is gone, Refuse says 503 and PerPod counts in each pod; sessions stay, and count again", async () => {
    const [one, two] = [await pod(limited(2)), await pod(limited(2, {}))];
    expect([await outcome(one), await outcome(two), await outcome(two)]).toEqual(["101", "101", "429 ConnectionLimit"]);
    await server.kill();
    await until("both know", () => !isAvailable(one) && !isAvailable(two));
    expect(await once(one)).toBe("503 StoreUnavailable");
    expect([await once(two), await once(two)]).toEqual(["101", "429 ConnectionLimit"]);
    expect(open()).toBe(3);
    await server.again();
    await server.ask("HSET", "{test/proxy}:pods", "@", "1");
    await until("both can ask", () => isAvailable(one) && isAvailable(two));
    await areHeld(3);
    expect([await outcome(one), await outcome(two)]).toEqual(["429 ConnectionLimit", "429 ConnectionLimit"]);
    expect(open()).toBe(3);
  });

  test("a limit that is new while sessions are open counts those of all pods", async () => {
    const [one, two] = [await pod(routed({})), await pod(routed({}))];
    for (const at of [one, two, two]) expect(await outcome(at)).toBe("101");
    expect(await places()).toBe(0);
    await change(one, limited(4));
    await change(two, limited(4));
    await areHeld(3);
    expect([await outcome(one), await outcome(two)]).toEqual(["101", "429 ConnectionLimit"]);
    await change(one, routed({}));
    await change(two, routed({}));
    await areHeld(0);
  });

  test("a store that comes, goes and comes again while sessions are open", async () => {
    const [one, two] = [await pod(limited(2, false)), await pod(limited(2, false))];
    for (const at of [one, two]) expect(await outcome(at)).toBe("101");
    for (const at of [one, two]) await change(at, limited(2));
    await until("both can ask", () => isAvailable(one) && isAvailable(two));
    await areHeld(2);
    for (const at of [one, two]) expect(await outcome(at)).toBe("429 ConnectionLimit");
    await change(one, limited(2, false));
    await areHeld(1);
    expect(await outcome(one)).toBe("101");
    await change(one, limited(2));
    await until("it can ask again", () => isAvailable(one));
    await areHeld(3);
    expect(open()).toBe(3);
  });

  test("a pod that stops leaves no place behind", async () => {
    const [one, two] = [await pod(limited(1)), await pod(limited(1))];
    expect(await outcome(one)).toBe("101");
    await one.close();
    expect(await outcome(two)).toBe("101");
    expect(await server.ask("HLEN", "{test/proxy}:pods")).toBe(2);
  });
});
