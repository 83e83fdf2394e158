import { expect, test } from "vitest";
import { keyOf, withKeys } from "../fakes/api-keys.ts";
import { RawClient, reasonOf, request } from "../fakes/clients.ts";
import type { TestGateway } from "../fakes/gateway.ts";
import { limited, route, SharedPods, store, storeOf, told } from "../fakes/shared-pods.ts";
import { until } from "../fakes/sockets.ts";

const scene = SharedPods.forEachTest();

test.each(["Client", "IP", "Route", "Proxy"])("per %s: two pods have one limit on sessions together", async (per) => {
  const [one, two] = [await scene().pod(limited(3, per)), await scene().pod(limited(3, per))];
  const status = per === "Client" || per === "IP" ? 429 : 503;
  expect([...(await scene().outcomes(one, 2)), ...(await scene().outcomes(two, 2))]).toEqual([
    ...["101", "101", "101"],
    `${status} ConnectionLimit`,
  ]);
  expect(await scene().outcome(one)).toBe(`${status} ConnectionLimit`);
  scene().clients[0]?.socket.destroy();
  await until("its place is free", () => one.sessions === 1 && scene().truth.total === 2);
  expect(await scene().outcomes(two, 2)).toEqual(["101", `${status} ConnectionLimit`]);
  await scene().allEnd();
});

test.each(["Client", "IP", "Route", "Proxy"])("per %s: two pods have one limit on attempts together", async (per) => {
  const parts = { store, routes: [route({ attempts: [{ per, limit: 2, interval: "4s" }] })] };
  const [one, two] = [await scene().pod(parts), await scene().pod(parts)];
  const status = per === "Client" || per === "IP" ? 429 : 503;
  expect([await scene().outcome(one), await scene().outcome(two)]).toEqual(["101", "101"]);
  const refused = await (await scene().knock(two)).answer();
  expect([refused.status, reasonOf(refused), refused.headers.get("retry-after")]).toEqual([
    ...[status, "AttemptLimit", "2"],
  ]);
  expect(await scene().outcome(one)).toBe(`${status} AttemptLimit`);
  scene().clock.advance(2000);
  expect([await scene().outcome(two), await scene().outcome(one)]).toEqual(["101", `${status} AttemptLimit`]);
});

test.each(["Client", "IP"])("per %s: a flood that was refused once costs the store nothing", async (per) => {
  const one = await scene().pod({ store, routes: [route({ attempts: [{ per, limit: 1, interval: "4s" }] })] });
  const two = await scene().pod({ store, routes: [route({ attempts: [{ per, limit: 1, interval: "4s" }] })] });
  await scene().outcomes(one, 1);
  await scene().outcomes(two, 1);
  const { length } = storeOf(two).asked;
  expect(new Set(await scene().outcomes(two, 20))).toEqual(new Set(["429 AttemptLimit"]));
  expect(storeOf(two).asked).toHaveLength(length);
});

test("what a route is out of is no reason to refuse its clients on other routes", async () => {
  const attempts = [
    { per: "Client", limit: 1, interval: "1s" },
    { per: "Route", limit: 1, interval: "1m" },
  ];
  const routes = ["/one", "/two"].map((value) => ({
    ...{ name: value.slice(1), path: { type: "Exact" as const, value } },
    policies: { ...withKeys(["alice", "bob"]), attempts },
  }));
  const [one, two] = [await scene().pod({ store, routes }), await scene().pod({ store, routes })];
  const at = async (to: TestGateway, target: string): Promise<[string, string | undefined]> => {
    const raw = await RawClient.send(to.port, request({ target, headers: { "X-Api-Key": keyOf("alice") } }));
    scene().clients.push(raw);
    const answer = await raw.answer();
    return [answer.status === 101 ? "101" : reasonOf(answer), answer.headers.get("retry-after")];
  };
  expect(await at(one, "/one")).toEqual(["101", undefined]);
  expect(await at(two, "/one")).toEqual(["AttemptLimit", "60"]);
  scene().clock.advance(1000);
  expect(await at(two, "/two")).toEqual(["101", undefined]);
});

test("a handshake that this pod refuses by itself costs the store nothing", async () => {
  const one = await scene().pod(limited(1));
  await scene().outcomes(one, 1);
  expect(await scene().outcomes(one, 5)).toEqual(Array<string>(5).fill("429 ConnectionLimit"));
  expect(storeOf(one).asked).toHaveLength(1);
});

test("a client that keeps trying while its places are taken here runs out of attempts, and costs the store nothing", async () => {
  const attempts = [{ per: "Client", limit: 4, interval: "1h", burst: 4 }];
  const one = await scene().pod({ store, routes: [route({ attempts, connections: [{ per: "Client", limit: 1 }] })] });
  expect(await scene().outcome(one)).toBe("101");
  expect(await scene().outcomes(one, 5)).toEqual([
    ...Array(3).fill("429 ConnectionLimit"),
    ...Array(2).fill("429 AttemptLimit"),
  ]);
  expect(storeOf(one).asked).toHaveLength(1);
  expect(await scene().outcome(one, "bob")).toBe("101");
});

test("both limits on a client are one question, and what an address may guess is another before it", async () => {
  const attempts = [
    { per: "IP", limit: 100, interval: "1s" },
    { per: "Client", limit: 100, interval: "1s" },
  ];
  const one = await scene().pod({ store, routes: [route({ attempts, connections: [{ per: "Client", limit: 5 }] })] });
  expect(await scene().outcome(one)).toBe("101");
  const lines = storeOf(one).asked.map(({ buckets, places }) => [buckets.length, places.length]);
  expect(lines).toEqual([
    [1, 0],
    [1, 1],
  ]);
});

test("a wrong key costs the store one token of its address, and no place", async () => {
  const attempts = [{ per: "IP", limit: 2, interval: "1m" }];
  const one = await scene().pod({ store, routes: [route({ attempts, connections: [{ per: "Client", limit: 5 }] })] });
  expect(await scene().outcomes(one, 3, "mallory")).toEqual([
    "401 CredentialInvalid",
    "401 CredentialInvalid",
    "429 AttemptLimit",
  ]);
  expect(scene().truth.total).toBe(0);
});

test("a crowd that comes at once is over the limit of two pods at no moment, and all is given back", async () => {
  const [one, two] = [await scene().pod(limited(5)), await scene().pod(limited(5))];
  const crowd = await Promise.all(Array.from({ length: 60 }, (_, n) => scene().knock(n % 2 === 0 ? one : two)));
  const answers = await Promise.all(crowd.map(told));
  expect(answers.filter((it) => it === "101")).toHaveLength(5);
  expect(one.sessions + two.sessions).toBe(5);
  await scene().allEnd();
});

test("of a crowd that comes at once some ask the store, and the others wait for their turns", async () => {
  const one = await scene().pod({ store, routes: [route({ connections: [{ per: "Client", limit: 500 }] })] });
  const { promise, resolve } = Promise.withResolvers<void>();
  storeOf(one).behind = promise;
  const crowd = await Promise.all(Array.from({ length: 150 }, () => scene().knock(one)));
  await until("all have come", () => one.attempts === 150 && storeOf(one).asked.length === 64);
  expect(scene().truth.total).toBe(64);
  const [waits] = crowd.slice(-1);
  waits?.socket.destroy();
  resolve();
  const answers = await Promise.all(crowd.slice(0, -1).map(told));
  expect(answers.filter((it) => it === "101")).toHaveLength(149);
  expect(storeOf(one).most).toBe(64);
  await scene().allEnd();
});

test("a handshake of a route that no limit counts does not wait for a crowd that asks a slow store", async () => {
  const path = (value: string) => ({ path: { type: "Exact" as const, value } });
  const routes = [
    { ...route({ connections: [{ per: "Route", limit: 500 }] }), name: "one", ...path("/one") },
    { ...route({}), name: "two", ...path("/two") },
  ];
  const one = await scene().pod({ store, routes });
  const { promise, resolve } = Promise.withResolvers<void>();
  storeOf(one).behind = promise;
  const at = async (target: string): Promise<RawClient> => {
    const raw = await RawClient.send(one.port, request({ target, headers: { "X-Api-Key": keyOf("alice") } }));
    scene().clients.push(raw);
    return raw;
  };
  const crowd = await Promise.all(Array.from({ length: 70 }, async () => at("/one")));
  await until("all have come", () => one.attempts === 70 && storeOf(one).asked.length === 64);
  expect(await told(await at("/two"))).toBe("101");
  resolve();
  expect(new Set(await Promise.all(crowd.map(told)))).toEqual(new Set(["101"]));
  await scene().allEnd();
});
