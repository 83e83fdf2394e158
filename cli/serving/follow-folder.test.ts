import { rename } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import type { Config } from "../../api/config.ts";
import { configReport } from "../../api/report.ts";
import { packer } from "../../operator/platform/packer.ts";
import { render } from "../../operator/render/render.ts";
import { RawBackend } from "../../test/fakes/backends.ts";
import { Authority } from "../../test/fakes/certificates.ts";
import { RawClient, reasonOf, request } from "../../test/fakes/clients.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { configOf, endpointsOf, type ConfigParts } from "../../test/fakes/config.ts";
import { TestGateway } from "../../test/fakes/gateway.ts";
import { ADMIN_TOKEN, SETTINGS } from "../../test/fakes/golden-case.ts";
import { Live } from "../../test/fakes/live.ts";
import { Mount } from "../../test/fakes/mount.ts";
import { until } from "../../test/fakes/sockets.ts";
import { filesOf } from "../../test/fakes/volume.ts";
import { followFolder } from "./follow-folder.ts";

type Files = Readonly<Record<string, Uint8Array>>;

const TOKEN = { "admin-token": Buffer.from(ADMIN_TOKEN) };
/** More than two looks at the folder need. */
const LOOKS = 700;

let clock: FakeClock;
let gateway: TestGateway;
let backend: RawBackend;
let mount: Mount;
/** Why configs never reached the gateway. */
let unusable: string[];

beforeEach(async () => {
  clock = new FakeClock();
  gateway = new TestGateway(clock);
  unusable = [];
  [backend, mount] = await Promise.all([new RawBackend().open(), Mount.create()]);
  onTestFinished(async () => {
    await gateway.close();
    await backend.close();
  });
});

/** The files of a config as the kubelet mounts them: those of its Secret, and those of its ConfigMap. */
function files(parts: ConfigParts = {}, uid = "uid-1"): { readonly secret: Files; readonly map: Files } {
  const owner = { namespace: "test", name: "proxy", uid };
  const routes = [{ policies: { keepalive: { interval: "0s", timeout: "10s", strict: false } } }];
  const config: Config = configOf({ drainPeriod: "1h", routes, ...parts });
  const endpoints = endpointsOf([backend.port]);
  const { manifests } = render(
    owner,
    { config, endpoints, infra: undefined, adminToken: ADMIN_TOKEN },
    SETTINGS,
    packer,
  );
  const of = (kind: string): Files => filesOf(manifests.filter((it) => it.kind === kind));
  return { secret: of("Secret"), map: of("ConfigMap") };
}

/** Follows the folder from now on; the time of its decisions is the fake clock's. */
function follow(): void {
  const stop = new AbortController();
  const ended = followFolder(
    mount.folder,
    {
      gateway: gateway.gateway,
      log: gateway.log,
      apply: (updates) => gateway.gateway.apply(updates),
      unusable: (problems) => {
        unusable.push(...problems);
        gateway.gateway.unreadable();
      },
      useAdminToken: () => {},
    },
    { signal: stop.signal, clock },
  );
  onTestFinished(async () => {
    stop.abort();
    await ended;
  });
}

const inForce = (generation: number): Promise<void> =>
  until(`generation ${generation} is in force`, async () => {
    const { proxies } = configReport.parse(JSON.parse((await gateway.admin("/config")).body));
    return proxies[0]?.generation === generation;
  });

async function ask(): Promise<string> {
  const client = await RawClient.send(gateway.port, request());
  const answer = await client.answer();
  client.socket.destroy();
  return answer.status === 101 ? "101" : `${answer.status} ${reasonOf(answer)}`;
}

const removedLines = (): number => gateway.lines.filter(({ message }) => message.startsWith("config removed")).length;
const removed = (): Promise<void> =>
  until("the config counts as removed", () => {
    clock.advance(100);
    return gateway.gateway.proxies[0]?.configRemoved === true;
  });

test("objects that are gone for five seconds take the routes with them: 1001 and 404, and still ready", async () => {
  const { secret, map } = files();
  await mount.publish({ ...secret, ...map, ...TOKEN });
  follow();
  await inForce(1);
  const live = await Live.open(gateway, backend);
  await mount.publish({});
  await sleep(LOOKS);
  clock.advance(4_900);
  await sleep(LOOKS);
  await live.lives();
  expect(await ask()).toBe("101");

  await removed();
  clock.advance(100);
  expect(await live.ended()).toEqual({ toClient: "1001 RouteRemoved", toBackend: "1001 RouteRemoved" });
  expect(await ask()).toBe("404 RouteNotFound");
  expect((await gateway.admin("/readyz")).status).toBe(200);
  expect(JSON.parse((await gateway.admin("/config")).body)).toEqual({
    proxies: [{ proxy: "test/proxy", removed: true }],
    more: 0,
  });
  expect(JSON.parse((await gateway.admin("/config/routes")).body)).toEqual({ routes: [] });
  clock.advance(60_000);
  await sleep(LOOKS);
  expect(removedLines()).toBe(1);
  expect(unusable).toEqual([]);
  expect(await gateway.metric("config_dropped_sessions_total")).toBe(0);
  expect([await gateway.metric("ready"), await gateway.metric("config_removed")]).toEqual([1, 1]);
  expect([await gateway.metric("config_rejected_total"), await gateway.metric("config_refused")]).toEqual([0, 0]);
});

test("the admin token alone is no config", async () => {
  const { secret, map } = files();
  await mount.publish({ ...secret, ...map, ...TOKEN });
  follow();
  await inForce(1);
  await mount.publish(TOKEN);
  await removed();
  expect(await ask()).toBe("404 RouteNotFound");
});

test("a config that comes back within five seconds was never gone, and the five seconds begin anew", async () => {
  const { secret, map } = files();
  await mount.publish({ ...secret, ...map });
  follow();
  await inForce(1);
  const live = await Live.open(gateway, backend);
  for (const round of [1, 2, 3]) {
    await mount.publish({});
    await sleep(LOOKS);
    clock.advance(4_000);
    await sleep(LOOKS);
    const next = files({ generation: 1 + round });
    await mount.publish({ ...next.secret, ...next.map });
    await inForce(1 + round);
  }
  await live.lives();
  expect(removedLines()).toBe(0);
});

test.each<[string, string, ConfigParts]>([
  ["the same config", "uid-1", {}],
  ["that of a proxy that was made anew under the same name", "uid-2", { generation: 5 }],
])("after a removal %s is served at once", async (_what, uid, parts) => {
  const first = files();
  await mount.publish({ ...first.secret, ...first.map });
  follow();
  await inForce(1);
  const { port } = gateway;
  await mount.publish({});
  await removed();
  expect(await ask()).toBe("404 RouteNotFound");
  const again = files(parts, uid);
  await mount.publish({ ...again.secret, ...again.map });
  await inForce(parts.generation ?? 1);
  expect(gateway.port).toBe(port);
  await (await Live.open(gateway, backend)).lives();
  expect(await gateway.metric("config_removed")).toBe(0);
});

test("a config that comes back while sessions are being told keeps those that were not told yet", async () => {
  const { secret, map } = files();
  await mount.publish({ ...secret, ...map });
  follow();
  await inForce(1);
  const lives: Live[] = [];
  for (let at = 0; at < 20; at += 1) lives.push(await Live.open(gateway, backend));
  const told = (): Live[] => lives.filter(({ client }) => client.told);
  await mount.publish({});
  await removed();
  await until("some were told", () => {
    if (told().length === 0) clock.advance(25);
    return told().length > 0;
  });
  await mount.publish({ ...secret, ...map });
  await inForce(1);
  const before = told();
  expect(before.length).toBeLessThan(20);
  clock.advance(6000);
  await sleep(LOOKS);
  expect(told()).toEqual(before);
  for (const live of lives) if (!before.includes(live)) await live.lives();
});

test("after a removal a config of another proxy is still not served, nor is one with a mistake", async () => {
  const { secret, map } = files();
  await mount.publish({ ...secret, ...map });
  follow();
  await inForce(1);
  await mount.publish({});
  await removed();
  const other = files({ name: "another" });
  await mount.publish({ ...other.secret, ...other.map });
  await until("it is told of", () => unusable.length > 0);
  expect(unusable[0]).toBe("the config is that of test/another, and test/proxy is served here");
  await mount.publish({ "config.json": Buffer.from("{"), "endpoints.json": Buffer.from("{}") });
  await until("it is told of", () => unusable.length > 1);
  expect(await ask()).toBe("404 RouteNotFound");
  expect(JSON.parse((await gateway.admin("/config")).body)).toMatchObject({ proxies: [{ removed: true }] });
});

test.each(["secret", "map"] as const)("where only the %s is left, the last good config stays", async (left) => {
  const { secret, map } = files();
  const rest = left === "secret" ? secret : map;
  await mount.publish({ ...secret, ...map });
  follow();
  await inForce(1);
  const live = await Live.open(gateway, backend);
  await mount.publish({ ...rest, ...TOKEN });
  await until("it is told of", () => gateway.logged.includes("waiting for the whole config"));
  for (let minutes = 0; minutes < 3; minutes += 1) {
    clock.advance(60_000);
    await sleep(LOOKS);
  }
  await live.lives();
  expect(await ask()).toBe("101");
  expect([removedLines(), unusable]).toEqual([0, []]);
  expect(gateway.lines.filter(({ message }) => message.startsWith("waiting for the whole")).length).toBe(1);

  await mount.publish({});
  await removed();
  clock.advance(100);
  expect(await live.ended()).toMatchObject({ toClient: "1001 RouteRemoved" });
});

test("a folder that is missing says nothing of its config", async () => {
  const { secret, map } = files();
  await mount.publish({ ...secret, ...map });
  follow();
  await inForce(1);
  await rename(mount.folder, `${mount.folder}-away`);
  await until("it is told of", () => unusable.length === 1);
  expect(unusable).toEqual([`${mount.folder} does not exist`]);
  clock.advance(60_000);
  await sleep(LOOKS);
  expect(await ask()).toBe("101");
  await rename(`${mount.folder}-away`, mount.folder);
  await until("it is there again", async () => (await gateway.metric("config_refused")) === 0);
  expect(removedLines()).toBe(0);
});

test("the certificate of the listener stays while there is no route", async () => {
  const ca = await Authority.create();
  const keyPair = await ca.issue({ names: ["a.test"] });
  const { secret, map } = files({ tls: { keyPair } });
  await mount.publish({ ...secret, ...map });
  follow();
  await inForce(1);
  await mount.publish({});
  await removed();
  const client = await RawClient.openTls(gateway.port, { ca: ca.ca, servername: "a.test" });
  client.socket.write(request());
  expect(reasonOf(await client.answer())).toBe("RouteNotFound");
  client.socket.destroy();
});

test("a handshake whose backend is being dialled is refused when the config is gone", async () => {
  const { secret, map } = files();
  const silent = await new RawBackend(() => {}).open();
  onTestFinished(() => silent.close());
  await mount.publish({ ...secret, ...map });
  follow();
  await inForce(1);
  await gateway.apply(configOf({ generation: 2 }), endpointsOf([silent.port]));
  const client = await RawClient.send(gateway.port, request());
  await until("the backend was dialled", () => silent.connections.length === 1);
  await mount.publish({});
  await removed();
  expect(reasonOf(await client.answer())).toBe("RouteNotFound");
  client.socket.destroy();
});

test.each<[string, () => Promise<unknown>]>([
  ["that never got its port", () => mount.publish({ ...files().secret, ...files().map })],
  [
    "that was never read",
    () => mount.publish({ "config.json": Buffer.from("{"), "endpoints.json": Buffer.from("{}") }),
  ],
])("a config %s is forgotten when it is gone", async (_what, publish) => {
  const taken = await new RawBackend().open();
  onTestFinished(() => taken.close());
  gateway.bindPort = () => taken.port;
  await publish();
  follow();
  await until("it is refused", async () => (await gateway.metric("config_refused")) === 1);
  await mount.publish(TOKEN);
  await until("it is forgotten", async () => {
    clock.advance(100);
    return (await gateway.metric("config_refused")) === 0;
  });
  expect(JSON.parse((await gateway.admin("/config")).body)).toEqual({ proxies: [], more: 0 });
  expect(removedLines()).toBe(0);
});

test("a config that is refused after a removal, and is gone again, is forgotten", async () => {
  const { secret, map } = files();
  await mount.publish({ ...secret, ...map });
  follow();
  await inForce(1);
  await mount.publish({});
  await removed();
  const taken = await new RawBackend().open();
  onTestFinished(() => taken.close());
  gateway.bindPort = () => taken.port;
  const moved = files({ port: 8081 });
  await mount.publish({ ...moved.secret, ...moved.map });
  await until("it is refused", async () => (await gateway.metric("config_refused")) === 1);
  await mount.publish({});
  await until("it is forgotten", async () => {
    clock.advance(100);
    return (await gateway.metric("config_refused")) === 0;
  });
  expect(JSON.parse((await gateway.admin("/config")).body)).toEqual({
    proxies: [{ proxy: "test/proxy", removed: true }],
    more: 0,
  });
  expect(removedLines()).toBe(1);
});

test("a config that another process keeps from its port is no reason to read a broken one all the time", async () => {
  const { secret, map } = files();
  const taken = await new RawBackend().open();
  onTestFinished(() => taken.close());
  gateway.bindPort = () => taken.port;
  await mount.publish({ ...secret, ...map });
  follow();
  await until("the port is in use", async () => (await gateway.metric("config_rejected_total")) === 1);
  await mount.publish({ "config.json": Buffer.from("{"), "endpoints.json": Buffer.from("{}") });
  await until("it is told of", () => unusable.length === 1);
  clock.advance(60_000);
  await sleep(LOOKS);
  expect(unusable.length).toBe(1);
});
