import { once } from "node:events";
import { createServer } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { Config } from "../api/config.ts";
import { RawBackend } from "../test/fakes/backends.ts";
import { keyPair } from "../test/fakes/certificates.ts";
import { RawClient, request } from "../test/fakes/clients.ts";
import { configOf, endpointsOf, type ConfigParts } from "../test/fakes/config.ts";
import { TestGateway } from "../test/fakes/gateway.ts";
import { freePort } from "../test/fakes/program.ts";
import { until } from "../test/fakes/sockets.ts";
import type { Applied } from "./config/rejected-configs.ts";
import { OpenPort } from "./ports/open-port.ts";

let backend: RawBackend;
let fake: TestGateway;
/** The port that the system gave for a port of a config. */
let ports: Map<number, number>;
beforeEach(async () => {
  backend = await new RawBackend().open();
  fake = new TestGateway();
  ports = new Map();
  for (const port of [1001, 1002, 1003]) ports.set(port, await freePort());
  fake.bindPort = (port) => ports.get(port) ?? 0;
});
afterEach(async () => {
  await fake.close();
  await backend.close();
});

/** Puts these configs in force together. Their hashes are their texts. */
async function apply(parts: readonly (ConfigParts | object)[], leaving: string[] = []): Promise<Applied[]> {
  const updates = [];
  for (const one of parts) {
    const config = "listener" in one ? (one as Config) : configOf(one);
    const raw = { config, endpoints: endpointsOf([backend.port]), hash: JSON.stringify(config), endpointsHash: "1" };
    updates.push(await fake.gateway.read(raw));
  }
  return fake.gateway.apply(updates, new Set(leaving));
}

/** By proxy, the port of its config on which it listens. */
function listening(): Record<string, number | undefined> {
  const known = new Map([...ports].map(([port, real]) => [real, port]));
  return Object.fromEntries(fake.gateway.proxies.map(({ name }) => [name, known.get(fake.gateway.port(name) ?? 0)]));
}

const outcome = (applied: Applied): string => (applied.ok ? "in force" : applied.stage);
const invalid = (parts: ConfigParts): object => ({ ...configOf(parts), fromTheFuture: 1 });

/** A server of another process holds the port of a config. */
async function occupy(port: number): Promise<void> {
  const other = createServer().listen(ports.get(port), "127.0.0.1");
  await once(other, "listening");
  onTestFinished(() => void other.close());
}

test("the first config opens the port, and the gateway is ready from then on", async () => {
  expect([fake.gateway.ready, fake.gateway.port("test/proxy")]).toEqual([false, undefined]);
  expect(await apply([{ port: 1001 }])).toEqual([{ ok: true, proxy: "test/proxy" }]);
  expect([fake.gateway.ready, listening()]).toEqual([true, { "test/proxy": 1001 }]);
});

test("without a first config that can be had there is no proxy, and it is told why", async () => {
  await occupy(1001);
  const [first, second] = await apply([{ port: 1001 }, invalid({ name: "other", port: 1002 })]);
  expect(first).toMatchObject({ ok: false, stage: "listener", problems: [expect.stringContaining("in use")] });
  expect(second).toMatchObject({ ok: false, proxy: "test/other", stage: "config" });
  expect([fake.gateway.ready, listening()]).toEqual([false, {}]);
  expect([...fake.gateway.rejected.keys()].toSorted()).toEqual(["test/other", "test/proxy"]);
});

test.each<[string, () => Promise<object>]>([
  ["has an unknown field", async () => invalid({ generation: 2, port: 1001 })],
  ["has no certificate that was ever there", async () => configOf({ generation: 2, port: 1001, tls: {} })],
  [
    "has a certificate that is none",
    async () => configOf({ generation: 2, port: 1001, tls: { keyPair: { certificate: "x", privateKey: "y" } } }),
  ],
  [
    "wants a port that another process has",
    async () => {
      await occupy(1002);
      return configOf({ generation: 2, port: 1002 });
    },
  ],
])("a config that %s changes nothing of what is in force", async (_, next) => {
  await apply([{ port: 1001 }]);
  const [proxy] = fake.gateway.proxies;
  const before = proxy?.snapshot;
  expect((await apply([await next()]))[0]?.ok).toBe(false);
  expect(proxy?.snapshot).toBe(before);
  expect([fake.gateway.ready, listening()]).toEqual([true, { "test/proxy": 1001 }]);
  expect(fake.gateway.rejected.has("test/proxy")).toBe(true);
  expect((await RawClient.send(fake.port, request()).then((client) => client.answer())).status).toBe(101);
  // The same config as before is in force again: nothing is rejected any more.
  await apply([{ port: 1001 }]);
  expect(fake.gateway.rejected.size).toBe(0);
});

test("of several configs the good ones take force, each on its own", async () => {
  await apply([{ port: 1001 }]);
  const all = await apply([invalid({ generation: 2, port: 1001 }), { name: "other", port: 1002 }]);
  expect(all.map(outcome)).toEqual(["config", "in force"]);
  expect(listening()).toEqual({ "test/proxy": 1001, "test/other": 1002 });
});

test("a certificate that is missing now is the one that is in force", async () => {
  const pair = await keyPair();
  await apply([{ port: 1001, tls: { keyPair: pair } }]);
  expect((await apply([{ port: 1001, generation: 2, tls: {} }])).map(outcome)).toEqual(["in force"]);
});

test("two proxies swap their ports: no port is closed, and clients reach the other proxy there", async () => {
  const route = (name: string): ConfigParts => ({ name, routes: [{ name }] });
  await apply([
    { ...route("a"), port: 1001 },
    { ...route("b"), port: 1002 },
  ]);
  const [numbers, metric] = [listening(), "connections"];
  expect(numbers).toEqual({ "test/a": 1001, "test/b": 1002 });
  const swapped = await apply([
    { ...route("a"), port: 1002 },
    { ...route("b"), port: 1001 },
  ]);
  expect(swapped.map(outcome)).toEqual(["in force", "in force"]);
  expect(listening()).toEqual({ "test/a": 1002, "test/b": 1001 });
  const client = await RawClient.send(ports.get(1001) ?? 0, request());
  expect((await client.answer()).status).toBe(101);
  expect(await fake.metric(metric, { proxy: "test/b" })).toBe(1);
});

test("a proxy cannot have the port of one that stays; both stay as they are", async () => {
  await apply([
    { name: "a", port: 1001 },
    { name: "b", port: 1002 },
  ]);
  const [moved] = await apply([{ name: "a", port: 1002 }]);
  expect(moved).toMatchObject({ ok: false, stage: "listener", problems: [expect.stringContaining("test/b")] });
  expect(listening()).toEqual({ "test/a": 1001, "test/b": 1002 });
});

test("a proxy can have the port of one that is removed right after", async () => {
  await apply([
    { name: "a", port: 1001 },
    { name: "b", port: 1002 },
  ]);
  expect((await apply([{ name: "a", port: 1002 }], ["test/b"])).map(outcome)).toEqual(["in force"]);
  await fake.gateway.remove("test/b");
  expect(listening()).toEqual({ "test/a": 1002 });
  await expect(RawClient.open(ports.get(1001) ?? 0)).rejects.toThrow("ECONNREFUSED");
  expect((await RawClient.send(ports.get(1002) ?? 0, request()).then((client) => client.answer())).status).toBe(101);
});

test("a proxy that is removed is forgotten at once, and its sessions end with 1001", async () => {
  await apply([{ port: 1001 }]);
  const client = await RawClient.send(fake.port, request());
  expect((await client.answer()).status).toBe(101);
  await apply([invalid({ generation: 2, port: 1001 })]);
  const removed = fake.gateway.remove("test/proxy");
  expect([fake.gateway.proxies.length, fake.gateway.rejected.size, fake.gateway.ready]).toEqual([0, 0, false]);
  await expect(RawClient.open(ports.get(1001) ?? 0)).rejects.toThrow("ECONNREFUSED");
  await until("it was told", () => client.payload.includes("RouteRemoved"));
  client.socket.destroy();
  await removed;
});

test("while it stops no port opens, and what is in force may still change", async () => {
  await apply([{ port: 1001, drainPeriod: "10s" }]);
  const stop = new AbortController();
  const drained = fake.gateway.drain(60_000, stop.signal);
  expect(fake.gateway.ready).toBe(false);
  const both = await apply([
    { port: 1002, generation: 2 },
    { name: "other", port: 1003 },
  ]);
  expect(both.map(outcome)).toEqual(["in force", "listener"]);
  expect(listening()).toEqual({ "test/proxy": 1001 });
  expect(fake.gateway.proxies[0]?.snapshot?.config.proxy.generation).toBe(2);
  stop.abort();
  await drained;
});

test("a port that was opened while the signal came is closed again", async () => {
  const opened: OpenPort[] = [];
  const open = OpenPort.open.bind(OpenPort);
  const stop = AbortSignal.abort();
  let drained: Promise<void> | undefined;
  OpenPort.open = async (...where) => {
    const port = await open(...where);
    if (port instanceof OpenPort) opened.push(port);
    drained = fake.gateway.drain(0, stop);
    return port;
  };
  onTestFinished(() => void (OpenPort.open = open));
  await apply([{ port: 1001 }]);
  await drained;
  await expect(RawClient.open(opened[0]?.number ?? 0)).rejects.toThrow("ECONNREFUSED");
});

test("the first config does not stay in memory once another one has replaced it, although a session stays", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  await apply([{ port: 1001 }]);
  const first = new WeakRef(fake.gateway.proxies[0]?.snapshot as object);
  const client = await RawClient.send(fake.port, request());
  expect((await client.answer()).status).toBe(101);
  await apply([{ generation: 2, port: 1001 }]);
  await until("the first config is collected", () => {
    collect();
    return first.deref() === undefined;
  });
  expect(fake.gateway.proxies[0]?.sessions.size).toBe(1);
  client.socket.destroy();
});

test("a config that was read and not applied is remembered for the next reading, until its proxy is removed", async () => {
  const config = configOf({});
  const raw = { config, endpoints: endpointsOf([backend.port]), hash: "1", endpointsHash: "1" };
  const routeRead = async (): Promise<unknown> => {
    const read = await fake.gateway.read(structuredClone(raw));
    return "config" in read ? read.config.routes[0] : read.problems;
  };
  const first = await routeRead();
  expect(await routeRead()).toBe(first);
  await fake.gateway.remove(`${config.proxy.namespace}/${config.proxy.name}`);
  expect(await routeRead()).not.toBe(first);
  expect(await routeRead()).toEqual(first);
});

/** The series of a gauge that has a value for each proxy. */
async function gauge(name: string): Promise<Record<string, number>> {
  const text = await fake.metrics.registry.getSingleMetricAsString(`wsproxy_${name}`);
  return Object.fromEntries(
    [...text.matchAll(/^wsproxy_\w+\{proxy="(.*)"\} (\d)$/gm)].map(([, proxy = "", value]) => [proxy, Number(value)]),
  );
}

describe("the metrics say of each proxy", () => {
  const [a, b] = [
    { name: "a", port: 1001 },
    { name: "b", port: 1002 },
  ];

  test("that it takes sessions, until its process stops", async () => {
    expect(await gauge("ready")).toEqual({});
    await apply([a, b]);
    expect(await gauge("ready")).toEqual({ "test/a": 1, "test/b": 1 });
    await fake.gateway.remove("test/b");
    expect(await gauge("ready")).toEqual({ "test/a": 1 });
    await fake.gateway.drain(0, new AbortController().signal);
    expect(await gauge("ready")).toEqual({ "test/a": 0 });
  });

  test("that its last config is refused, until one is in force", async () => {
    await apply([a, invalid(b)]);
    expect([await gauge("ready"), await gauge("config_refused")]).toEqual([
      { "test/a": 1, "test/b": 0 },
      { "test/a": 0, "test/b": 1 },
    ]);
    await apply([invalid(a), b]);
    expect([await gauge("ready"), await gauge("config_refused")]).toEqual([
      { "test/a": 1, "test/b": 1 },
      { "test/a": 1, "test/b": 0 },
    ]);
    await apply([a]);
    expect(await gauge("config_refused")).toEqual({ "test/a": 0, "test/b": 0 });
  });

  test("that a file which cannot be read is refused, also before there is a proxy; a process that stops refuses nothing", async () => {
    fake.gateway.unreadable();
    expect([await gauge("ready"), await gauge("config_refused")]).toEqual([{ "": 0 }, { "": 1 }]);
    await apply([a]);
    expect(await gauge("config_refused")).toEqual({ "test/a": 0 });
    fake.gateway.unreadable();
    expect([await gauge("ready"), await gauge("config_refused")]).toEqual([{ "test/a": 1 }, { "test/a": 1 }]);
    await fake.gateway.drain(0, new AbortController().signal);
    expect(await gauge("config_refused")).toEqual({ "test/a": 0 });
  });
});
