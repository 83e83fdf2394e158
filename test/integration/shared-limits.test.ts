import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { keyOf, withKeys } from "../fakes/api-keys.ts";
import { polite, RawBackend } from "../fakes/backends.ts";
import { RawClient, reasonOf, request } from "../fakes/clients.ts";
import { FakeClock } from "../fakes/clock.ts";
import { configOf, endpointsOf, type ConfigParts, type RouteParts } from "../fakes/config.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { StoreTruth, type FakeStore } from "../fakes/shared-limits.ts";
import { until } from "../fakes/sockets.ts";

let backend: RawBackend;
let clock: FakeClock;
let truth: StoreTruth;
let pods: TestGateway[];
let clients: RawClient[];

beforeEach(async () => {
  [pods, clients, clock] = [[], [], new FakeClock()];
  truth = new StoreTruth(clock);
  backend = await new RawBackend(polite).open();
});
afterEach(async () => {
  for (const { socket } of clients) socket.destroy();
  for (const one of pods) await one.close();
  await backend.close();
});

const store = { address: "store:6379" };
const refusing = { ...store, whenUnavailable: "Refuse" as const };
const keys = withKeys(["alice", "bob"]);
const route = (policies: object, own = true): RouteParts => ({
  policies: { ...keys, ...policies },
  ownPolicies: own ? Object.keys(policies) : [],
});
const limited = (limit: number, per = "Client"): ConfigParts => ({
  store,
  routes: [route({ connections: [{ per, limit }] })],
});

async function change(one: TestGateway, parts: ConfigParts): Promise<void> {
  expect(await one.apply(configOf(parts), endpointsOf([backend.port]))).toMatchObject({ ok: true });
}

async function pod(parts: ConfigParts): Promise<TestGateway> {
  const one = new TestGateway(clock, undefined, undefined, undefined, truth);
  pods.push(one);
  await change(one, parts);
  return one;
}

const storeOf = (one: TestGateway): FakeStore => one.stores.at(-1) as FakeStore;

async function knock(one: TestGateway, client = "alice"): Promise<RawClient> {
  const raw = await RawClient.send(one.port, request({ headers: { "X-Api-Key": keyOf(client) } }));
  clients.push(raw);
  return raw;
}

async function told(raw: RawClient): Promise<string> {
  const answer = await raw.answer();
  return answer.status === 101 ? "101" : `${answer.status} ${reasonOf(answer)}`;
}

const outcome = async (one: TestGateway, client?: string): Promise<string> => told(await knock(one, client));

async function outcomes(one: TestGateway, count: number, client?: string): Promise<string[]> {
  const found: string[] = [];
  for (let n = 0; n < count; n += 1) found.push(await outcome(one, client));
  return found;
}

/** All clients hang up, and nothing is counted any more: not here, and not in the store. */
async function allEnd(): Promise<void> {
  for (const { socket } of clients) socket.destroy();
  for (const one of pods) await one.empty();
  for (const one of pods) expect(one.gateway.proxies[0]?.occupancy.size ?? 0).toBe(0);
  await until("the store counts nothing", () => truth.total === 0);
  expect(pods.flatMap(({ stores }) => stores.flatMap(({ overdrawn }) => overdrawn))).toEqual([]);
}

test.each(["Client", "IP", "Route", "Proxy"])("per %s: two pods have one limit on sessions together", async (per) => {
  const [one, two] = [await pod(limited(3, per)), await pod(limited(3, per))];
  const status = per === "Client" || per === "IP" ? 429 : 503;
  expect([...(await outcomes(one, 2)), ...(await outcomes(two, 2))]).toEqual([
    ...["101", "101", "101"],
    `${status} ConnectionLimit`,
  ]);
  expect(await outcome(one)).toBe(`${status} ConnectionLimit`);
  clients[0]?.socket.destroy();
  await until("its place is free", () => one.sessions === 1 && truth.total === 2);
  expect(await outcomes(two, 2)).toEqual(["101", `${status} ConnectionLimit`]);
  await allEnd();
});

test.each(["Client", "IP", "Route", "Proxy"])("per %s: two pods have one limit on attempts together", async (per) => {
  const parts = { store, routes: [route({ attempts: [{ per, limit: 2, interval: "4s" }] })] };
  const [one, two] = [await pod(parts), await pod(parts)];
  const status = per === "Client" || per === "IP" ? 429 : 503;
  expect([await outcome(one), await outcome(two)]).toEqual(["101", "101"]);
  const refused = await (await knock(two)).answer();
  expect([refused.status, reasonOf(refused), refused.headers.get("retry-after")]).toEqual([
    ...[status, "AttemptLimit", "2"],
  ]);
  expect(await outcome(one)).toBe(`${status} AttemptLimit`);
  clock.advance(2000);
  expect([await outcome(two), await outcome(one)]).toEqual(["101", `${status} AttemptLimit`]);
});

test.each(["Client", "IP"])("per %s: a flood that was refused once costs the store nothing", async (per) => {
  const one = await pod({ store, routes: [route({ attempts: [{ per, limit: 1, interval: "4s" }] })] });
  const two = await pod({ store, routes: [route({ attempts: [{ per, limit: 1, interval: "4s" }] })] });
  await outcomes(one, 1);
  await outcomes(two, 1);
  const { length } = storeOf(two).asked;
  expect(new Set(await outcomes(two, 20))).toEqual(new Set(["429 AttemptLimit"]));
  expect(storeOf(two).asked).toHaveLength(length);
});

test("what a route is out of is no reason to refuse its clients on other routes", async () => {
  const attempts = [
    { per: "Client", limit: 1, interval: "1s" },
    { per: "Route", limit: 1, interval: "1m" },
  ];
  const routes = ["/one", "/two"].map((value) => ({
    ...{ name: value.slice(1), path: { type: "Exact" as const, value } },
    policies: { ...keys, attempts },
  }));
  const [one, two] = [await pod({ store, routes }), await pod({ store, routes })];
  const at = async (to: TestGateway, target: string): Promise<[string, string | undefined]> => {
    const raw = await RawClient.send(to.port, request({ target, headers: { "X-Api-Key": keyOf("alice") } }));
    clients.push(raw);
    const answer = await raw.answer();
    return [answer.status === 101 ? "101" : reasonOf(answer), answer.headers.get("retry-after")];
  };
  expect(await at(one, "/one")).toEqual(["101", undefined]);
  expect(await at(two, "/one")).toEqual(["AttemptLimit", "60"]);
  clock.advance(1000);
  expect(await at(two, "/two")).toEqual(["101", undefined]);
});

test("a handshake that this pod refuses by itself costs the store nothing", async () => {
  const one = await pod(limited(1));
  await outcomes(one, 1);
  expect(await outcomes(one, 5)).toEqual(Array<string>(5).fill("429 ConnectionLimit"));
  expect(storeOf(one).asked).toHaveLength(1);
});

test("a client that keeps trying while its places are taken here runs out of attempts, and costs the store nothing", async () => {
  const attempts = [{ per: "Client", limit: 4, interval: "1h", burst: 4 }];
  const one = await pod({ store, routes: [route({ attempts, connections: [{ per: "Client", limit: 1 }] })] });
  expect(await outcome(one)).toBe("101");
  expect(await outcomes(one, 5)).toEqual([
    ...Array(3).fill("429 ConnectionLimit"),
    ...Array(2).fill("429 AttemptLimit"),
  ]);
  expect(storeOf(one).asked).toHaveLength(1);
  expect(await outcome(one, "bob")).toBe("101");
});

test("both limits on a client are one question, and what an address may guess is another before it", async () => {
  const attempts = [
    { per: "IP", limit: 100, interval: "1s" },
    { per: "Client", limit: 100, interval: "1s" },
  ];
  const one = await pod({ store, routes: [route({ attempts, connections: [{ per: "Client", limit: 5 }] })] });
  expect(await outcome(one)).toBe("101");
  const lines = storeOf(one).asked.map(({ buckets, places }) => [buckets.length, places.length]);
  expect(lines).toEqual([
    [1, 0],
    [1, 1],
  ]);
});

test("a wrong key costs the store one token of its address, and no place", async () => {
  const attempts = [{ per: "IP", limit: 2, interval: "1m" }];
  const one = await pod({ store, routes: [route({ attempts, connections: [{ per: "Client", limit: 5 }] })] });
  expect(await outcomes(one, 3, "mallory")).toEqual([
    "401 CredentialInvalid",
    "401 CredentialInvalid",
    "429 AttemptLimit",
  ]);
  expect(truth.total).toBe(0);
});

describe("while the store does not answer", () => {
  test("PerPod: the pod counts for itself, and tells the store once that answers again", async () => {
    const [one, two] = [await pod(limited(2)), await pod(limited(2))];
    await outcomes(one, 1);
    storeOf(one).available = false;
    storeOf(two).available = false;
    expect([...(await outcomes(one, 2)), ...(await outcomes(two, 3))]).toEqual([
      ...["101", "429 ConnectionLimit"],
      ...["101", "101", "429 ConnectionLimit"],
    ]);
    storeOf(one).back();
    storeOf(two).back();
    expect(truth.total).toBe(4);
    expect(await outcome(one, "alice")).toBe("429 ConnectionLimit");
    await allEnd();
  });

  test("PerPod: attempts that the store counted before count here too", async () => {
    const one = await pod({ store, routes: [route({ attempts: [{ per: "Client", limit: 3, interval: "1m" }] })] });
    await outcomes(one, 2);
    storeOf(one).available = false;
    expect(await outcomes(one, 2)).toEqual(["101", "429 AttemptLimit"]);
  });

  test.each<[string, object, boolean, boolean]>([
    ["a limit on sessions", { connections: [{ per: "Client", limit: 9 }] }, true, true],
    ["attempts per Route", { attempts: [{ per: "Route", limit: 9, interval: "1s" }] }, true, true],
    ["attempts per IP", { attempts: [{ per: "IP", limit: 9, interval: "1s" }] }, false, true],
    [
      "messages per Client",
      { messages: { fromClient: [{ per: "Client", limit: 9, interval: "1s" }], fromBackend: [] } },
      true,
      true,
    ],
    ["no limit", {}, true, false],
    [
      "limits in Shadow",
      {
        connections: [{ per: "Client", limit: 9 }],
        attempts: [{ per: "IP", limit: 9, interval: "1s" }],
        enforcement: "Shadow",
      },
      true,
      false,
    ],
  ])("Refuse: a route with %s", async (_, policies, behindKey, refuses) => {
    const one = await pod({ store: refusing, routes: [route(policies)] });
    storeOf(one).available = false;
    const answer = await (await knock(one)).answer();
    expect(answer.status === 101 ? "101" : reasonOf(answer)).toBe(refuses ? "StoreUnavailable" : "101");
    if (refuses) expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
    if (behindKey) expect(await outcome(one, "mallory")).toBe("401 CredentialInvalid");
    storeOf(one).available = true;
    expect(await outcome(one, "bob")).toBe("101");
  });

  test("sessions that are open stay, and what ends meanwhile is told later", async () => {
    const one = await pod({ ...limited(2), store: refusing });
    await outcomes(one, 2);
    storeOf(one).available = false;
    clients[0]?.socket.destroy();
    await until("it ended", () => one.sessions === 1);
    expect(await outcome(one)).toBe("503 StoreUnavailable");
    storeOf(one).back();
    expect(truth.total).toBe(1);
    expect(await outcomes(one, 2)).toEqual(["101", "429 ConnectionLimit"]);
    await allEnd();
  });
});

/** What happens while the store is asked, and what the client is told when the store says yes. */
const MEANWHILE: readonly (readonly [string, (one: TestGateway, client: RawClient) => unknown, string | undefined])[] =
  [
    ["nothing happens", () => {}, "101"],
    ["the client leaves", (_, client) => client.socket.resetAndDestroy(), undefined],
    ["the client ends its side", (_, client) => client.socket.end(), undefined],
    ["its route goes", (one) => change(one, { store, routes: [{ name: "other" }] }), "404 RouteNotFound"],
    ["the config goes", (one) => one.gateway.removeConfig("test/proxy"), "404 RouteNotFound"],
    [
      "its key goes",
      (one) => change(one, { store, routes: [{ policies: withKeys(["bob"]) }] }),
      "401 CredentialRevoked",
    ],
    ["the pod drains", (one) => void one.gateway.drain(0, new AbortController().signal), "503 Draining"],
    ["the pod stops at once", (one) => one.close(), undefined],
    ["the proxy is removed", (one) => void one.gateway.remove("test/proxy"), "503 Draining"],
    ["the limit gets another number", (one) => change(one, limited(7)), "101"],
    ["the limit counts something else", (one) => change(one, limited(7, "IP")), "101"],
    ["the limits go", (one) => change(one, { store, routes: [route({})] }), "101"],
    ["the store goes", (one) => change(one, { routes: limited(7).routes ?? [] }), "101"],
    [
      "the store goes and another comes",
      async (one) => {
        await change(one, { routes: limited(7).routes ?? [] });
        await change(one, limited(7));
      },
      "101",
    ],
  ];

describe.each(["yes", "no", "nothing"])("the store says %s, late", (says) => {
  test.each(MEANWHILE)("%s: what the handshake holds is given back once", async (_, happens, wanted) => {
    const [one, other] = [await pod(limited(5)), await pod(limited(5))];
    if (says === "no") await outcomes(other, 5);
    const [{ promise, resolve }, asked] = [Promise.withResolvers<void>(), storeOf(one)];
    [asked.behind, asked.silent] = [promise, says === "nothing"];
    const client = await knock(one);
    await until("the store is asked", () => asked.asked.length === 1);
    await happens(one, client);
    resolve();
    const gone = wanted === undefined;
    const refused = says === "no" && wanted === "101" && !asked.closed;
    if (!gone) expect(await told(client)).toBe(refused ? "429 ConnectionLimit" : wanted);
    await allEnd();
  });
});

test("a crowd that comes at once is over the limit of two pods at no moment, and all is given back", async () => {
  const [one, two] = [await pod(limited(5)), await pod(limited(5))];
  const crowd = await Promise.all(Array.from({ length: 60 }, (_, n) => knock(n % 2 === 0 ? one : two)));
  const answers = await Promise.all(crowd.map(told));
  expect(answers.filter((it) => it === "101")).toHaveLength(5);
  expect(one.sessions + two.sessions).toBe(5);
  await allEnd();
});

test("of a crowd that comes at once some ask the store, and the others wait for their turns", async () => {
  const one = await pod({ store, routes: [route({ connections: [{ per: "Client", limit: 500 }] })] });
  const { promise, resolve } = Promise.withResolvers<void>();
  storeOf(one).behind = promise;
  const crowd = await Promise.all(Array.from({ length: 150 }, () => knock(one)));
  await until("all have come", () => one.attempts === 150 && storeOf(one).asked.length === 64);
  expect(truth.total).toBe(64);
  const [waits] = crowd.slice(-1);
  waits?.socket.destroy();
  resolve();
  const answers = await Promise.all(crowd.slice(0, -1).map(told));
  expect(answers.filter((it) => it === "101")).toHaveLength(149);
  expect(storeOf(one).most).toBe(64);
  await allEnd();
});

test("a handshake of a route that no limit counts does not wait for a crowd that asks a slow store", async () => {
  const path = (value: string) => ({ path: { type: "Exact" as const, value } });
  const routes = [
    { ...route({ connections: [{ per: "Route", limit: 500 }] }), name: "one", ...path("/one") },
    { ...route({}), name: "two", ...path("/two") },
  ];
  const one = await pod({ store, routes });
  const { promise, resolve } = Promise.withResolvers<void>();
  storeOf(one).behind = promise;
  const at = async (target: string): Promise<RawClient> => {
    const raw = await RawClient.send(one.port, request({ target, headers: { "X-Api-Key": keyOf("alice") } }));
    clients.push(raw);
    return raw;
  };
  const crowd = await Promise.all(Array.from({ length: 70 }, async () => at("/one")));
  await until("all have come", () => one.attempts === 70 && storeOf(one).asked.length === 64);
  expect(await told(await at("/two"))).toBe("101");
  resolve();
  expect(new Set(await Promise.all(crowd.map(told)))).toEqual(new Set(["101"]));
  await allEnd();
});

test("a limit that is new counts the sessions that are open, over all pods", async () => {
  const none = { store, routes: [route({})] };
  const [one, two] = [await pod(none), await pod(none)];
  await outcomes(one, 2);
  await outcomes(two, 1);
  expect(storeOf(one).asked).toEqual([]);
  await change(one, limited(4));
  await change(two, limited(4));
  expect(await outcomes(two, 2)).toEqual(["101", "429 ConnectionLimit"]);
  await allEnd();
});

test("a store that comes and goes while sessions are open counts them, and counts them no more", async () => {
  const without = { routes: limited(2).routes ?? [] };
  const [one, two] = [await pod(without), await pod(without)];
  await outcomes(one, 1);
  await outcomes(two, 1);
  await change(one, limited(2));
  await change(two, limited(2));
  expect([await outcome(one), await outcome(two)]).toEqual(["429 ConnectionLimit", "429 ConnectionLimit"]);
  await change(one, without);
  expect(storeOf(one).closed).toBe(true);
  expect(truth.total).toBe(1);
  expect(await outcomes(one, 2)).toEqual(["101", "429 ConnectionLimit"]);
  expect(await outcomes(two, 2)).toEqual(["101", "429 ConnectionLimit"]);
  await change(one, limited(2));
  expect(truth.total).toBe(4);
  await allEnd();
});

test("another address, or another answer to its absence, keeps the store's counts", async () => {
  const one = await pod(limited(1));
  await outcomes(one, 1);
  await change(one, { ...limited(1), store: { address: "other:6379", whenUnavailable: "Refuse" } });
  expect(one.stores).toHaveLength(1);
  expect(storeOf(one).configured.map(({ address }) => address)).toEqual(["store:6379", "other:6379"]);
  await allEnd();
});

test("a config that is refused makes no store, and leaves the one in force", async () => {
  const one = await pod({ routes: [route({})] });
  const text = JSON.stringify(configOf({ store, routes: [route({})] }));
  const broken = JSON.parse(text.replace(/"authentication":\d+,?/, ""));
  expect(await one.apply(broken, endpointsOf([backend.port]))).toMatchObject({ ok: false });
  expect(one.stores.filter(({ closed, configured }) => !closed || configured.length > 0)).toEqual([]);
  expect(await outcome(one)).toBe("101");
});

test("a pod that drains leaves the store when its last session has ended, and takes no other store", async () => {
  const one = await pod(limited(5));
  await outcomes(one, 1);
  const ended = one.gateway.drain(0, new AbortController().signal);
  clock.advance(1000);
  await until(
    "the session is told",
    () => clients[0]?.closed === true || clients[0]?.received.includes("Draining") === true,
  );
  expect(storeOf(one).closed).toBe(false);
  clients[0]?.socket.destroy();
  await until("it left", () => {
    clock.advance(50);
    return storeOf(one).closed;
  });
  await ended;
  await change(one, { ...limited(5), store: { address: "other:6379" } });
  expect(one.stores).toHaveLength(1);
});

test("a pod is ready once its store can be asked or was waited for, and stays so", async () => {
  const one = new TestGateway(clock, undefined, undefined, undefined, truth);
  pods.push(one);
  const ready = async (): Promise<number> => (await one.admin("/readyz")).status;
  one.storeSettles = false;
  await change(one, limited(5));
  expect([await ready(), await one.metric("ready")]).toEqual([503, 0]);
  expect(await outcome(one)).toBe("101");
  storeOf(one).settled = true;
  expect([await ready(), await one.metric("ready")]).toEqual([200, 1]);
  [storeOf(one).settled, storeOf(one).available] = [false, false];
  expect(await ready()).toBe(200);
});

test("a store that a pod in service gets does not make it unready", async () => {
  const one = await pod({ routes: [route({})] });
  one.storeSettles = false;
  expect((await one.admin("/readyz")).status).toBe(200);
  await change(one, limited(5));
  expect((await one.admin("/readyz")).status).toBe(200);
});
