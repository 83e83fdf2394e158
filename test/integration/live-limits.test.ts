import { afterEach, beforeEach, expect, test } from "vitest";
import { polite, RawBackend } from "../fakes/backends.ts";
import { FakeClock } from "../fakes/clock.ts";
import { configOf, endpointsOf, type RouteParts } from "../fakes/config.ts";
import { frame, text } from "../fakes/frames.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { settle } from "../fakes/idp-bench.ts";
import { Live } from "../fakes/live.ts";
import { until } from "../fakes/sockets.ts";

let backend: RawBackend;
let gateway: TestGateway;
let clock: FakeClock;

beforeEach(async () => {
  clock = new FakeClock();
  backend = await new RawBackend(polite).open();
  gateway = new TestGateway(clock);
});
afterEach(async () => {
  await gateway.close();
  await backend.close();
});

const off = { keepalive: { interval: "0s" } };
const open = (target = "/"): Promise<Live> => Live.open(gateway, backend, { target });
const change = (policies: object): Promise<unknown> =>
  gateway.serve({ routes: [{ policies: { ...off, ...policies } }] }, [backend.port]);
const send = (live: Live, words: string): void => live.client.send(...[...words].map((word) => text(word, true)));
const rate = (limit: number, interval: string, onExceed = "Close", per = "Connection"): object => ({
  messages: { fromClient: [{ per, limit, interval, onExceed }], fromBackend: [] },
});

test.each(["Connection", "Client", "IP", "Route", "Proxy"])(
  "a lower rate per %s holds for the session that is open",
  async (per) => {
    await change(rate(10, "10s", "Close", per));
    const live = await open();
    send(live, "a");
    await live.arrived("fromClient", 1);
    await change(rate(2, "1h", "Close", per));
    send(live, "bcd");
    expect((await live.ended()).toClient).toBe("1008 MessageRate; retry-after=1800");
    expect(live.texts("fromClient")).toEqual(["a", "b", "c"]);
  },
);

test("a higher rate holds at once, and what was used stays used", async () => {
  await change(rate(3, "3s"));
  const live = await open();
  send(live, "abc");
  await live.arrived("fromClient", 3);
  await change(rate(100, "1s"));
  clock.advance(20);
  send(live, "de");
  await live.arrived("fromClient", 5);
  send(live, "f");
  expect((await live.ended()).toClient).toBe("1008 MessageRate; retry-after=1");
});

test.each(["Connection", "Route"])(
  "what was used per %s stays used when the policy moves between proxy and route",
  async (per) => {
    const policies = { ...off, ...rate(3, "1h", "Close", per) };
    const serve = (ownPolicies: string[]): Promise<unknown> =>
      gateway.serve({ routes: [{ policies, ownPolicies }] }, [backend.port]);
    await serve([]);
    const live = await open();
    send(live, "a");
    await live.arrived("fromClient", 1);
    await serve(["messages"]);
    send(live, "b");
    await live.arrived("fromClient", 2);
    await serve([]);
    send(live, "cd");
    expect((await live.ended()).toClient).toBe("1008 MessageRate; retry-after=1200");
    expect(live.texts("fromClient")).toEqual(["a", "b", "c"]);
  },
);

test.each([
  ["raised", rate(1, "1s", "Delay"), 1000],
  ["taken away", {}, 0],
  ["turned to Drop", rate(1, "1h", "Drop"), 0],
])("a session that a limit makes wait for an hour goes on when that limit is %s", async (_, policies, wait) => {
  await change(rate(1, "1h", "Delay"));
  const live = await open();
  send(live, "ab");
  await until("it waits", async () => (await gateway.metric("paused_connections")) === 1);
  await change(policies);
  clock.advance(wait);
  live.client.send(frame({ opcode: 9, mask: true, payload: "on" }));
  await until("it goes on", () => live.texts("fromClient").includes("on"));
  expect(await gateway.metric("paused_connections")).toBe(0);
});

test("bytes that wait for a debt to be paid go on when the rate is raised", async () => {
  const bytes = (limit: number): object => ({
    bytes: { fromClient: [{ per: "Connection", limit, interval: "1s", onExceed: "Delay" }], fromBackend: [] },
  });
  await change(bytes(1));
  const live = await open();
  live.client.send(text("x".repeat(1001), true));
  await until("it waits", async () => (await gateway.metric("paused_connections")) === 1);
  await change(bytes(1000));
  send(live, "y");
  clock.advance(999);
  await settle();
  expect(live.texts("fromClient")).toHaveLength(1);
  clock.advance(1);
  await live.arrived("fromClient", 2);
});

test("a smaller message size holds from the next frame on", async () => {
  await change({ messageSize: { fromClient: 100 } });
  const live = await open();
  live.client.send(text("x".repeat(100), true), frame({ fin: false, mask: true, payload: "x".repeat(50) }));
  await live.arrived("fromClient", 2);
  await change({ messageSize: { fromClient: 60 } });
  live.client.send(frame({ opcode: 0, mask: true, payload: "x".repeat(11) }));
  expect((await live.ended()).toClient).toBe("1009 MessageTooBig");
});

test("idle, lowered below what the session has been, ends it; raised, it holds from the last message on", async () => {
  await change({ timeouts: { idle: "10m" } });
  const [first, second] = [await open(), await open()];
  clock.advance(60_000);
  send(second, "a");
  await second.arrived("fromClient", 1);
  await change({ timeouts: { idle: "30s" } });
  clock.advance(1);
  expect((await first.ended()).toClient).toBe("3008 IdleTimeout");
  await change({ timeouts: { idle: "1h" } });
  clock.advance(3_599_998);
  await settle();
  await second.lives();
  clock.advance(1);
  expect((await second.ended()).toClient).toBe("3008 IdleTimeout");
  expect(await gateway.metric("config_dropped_sessions_total")).toBe(0);
});

test("a lifetime, lowered below the session's age, ends it; taken away, it ends nothing", async () => {
  await change({ timeouts: { lifetime: "1h" } });
  const live = await open();
  clock.advance(600_000);
  await change({});
  clock.advance(36_000_000);
  await live.lives();
  await change({ timeouts: { lifetime: "1m" } });
  clock.advance(1);
  expect((await live.ended()).toClient).toBe("3008 LifetimeEnded");
  expect(await gateway.metric("config_dropped_sessions_total")).toBe(0);
});

test("keepalive, turned on, pings the session that is open, and ends it when no pong comes", async () => {
  await change({});
  const live = await open();
  await change({ keepalive: { interval: "30s", timeout: "10s" } });
  clock.advance(30_000);
  await live.arrived("fromBackend", 1);
  expect(live.frames("fromBackend")[0]?.opcode).toBe(9);
  clock.advance(10_000);
  expect((await live.ended()).toClient).toBe("3008 KeepaliveTimeout");
});

test("a removed route ends its sessions with 1001, one after the other, and no others", async () => {
  const kept: RouteParts = { name: "kept", path: { type: "Prefix", value: "/kept" }, policies: off };
  const gone: RouteParts = { name: "gone", path: { type: "Prefix", value: "/gone" }, policies: off };
  const config = (routes: RouteParts[]) => configOf({ routes, drainPeriod: "30s" });
  await gateway.apply(config([kept, gone]), endpointsOf([backend.port]));
  const stays = await open("/kept");
  const leaving: Live[] = [];
  while (leaving.length < 20) leaving.push(await open("/gone"));
  await gateway.apply(config([kept]), endpointsOf([backend.port]));
  await settle();
  const told = (): number => leaving.filter(({ client }) => client.payload.length > 0).length;
  expect(told()).toBeLessThan(10);
  await until("all were told", () => {
    clock.advance(10);
    return told() === 20;
  });
  for (const live of leaving) {
    expect(await live.ended()).toEqual({ toClient: "1001 RouteRemoved", toBackend: "1001 RouteRemoved" });
  }
  await stays.lives();
  expect(await gateway.metric("config_dropped_sessions_total")).toBe(0);
  expect(await gateway.metric("credential_terminations_total")).toBe(0);
});

test("a config that is gone ends the sessions of every route with 1001, one after the other", async () => {
  await gateway.apply(configOf({ routes: [{ policies: off }], drainPeriod: "30s" }), endpointsOf([backend.port]));
  const lives: Live[] = [];
  while (lives.length < 20) lives.push(await open());
  await gateway.gateway.removeConfig("test/proxy");
  await settle();
  const told = (): number => lives.filter(({ client }) => client.payload.length > 0).length;
  expect(told()).toBeLessThan(10);
  await until("all were told", () => {
    clock.advance(10);
    return told() === 20;
  });
  for (const live of lives) {
    expect(await live.ended()).toEqual({ toClient: "1001 RouteRemoved", toBackend: "1001 RouteRemoved" });
  }
  expect(await gateway.metric("config_dropped_sessions_total")).toBe(0);
  expect(await gateway.metric("credential_terminations_total")).toBe(0);
});

test("a removed proxy closes its listener and tells its sessions 1001", async () => {
  await change({});
  const { port } = gateway;
  const live = await open();
  const removed = gateway.gateway.remove("test/proxy");
  await until("it was told", () => {
    clock.advance(100);
    return live.client.told;
  });
  expect((await live.ended()).toClient).toBe("1001 RouteRemoved");
  await until("it is gone", async () => {
    clock.advance(100);
    return Promise.race([removed.then(() => true), settle().then(() => false)]);
  });
  expect(gateway.gateway.port("test/proxy")).toBeUndefined();
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow("fetch failed");
  expect(await gateway.metric("config_generation")).toBe(0);
});
