import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SessionPage } from "../../api/admin-pages.ts";
import type { ConfigReport } from "../../api/report.ts";
import { AdminGate } from "../../runtime/admin-port/admin-gate.ts";
import { adminServer, type AdminServer } from "../../runtime/admin-port/admin-server.ts";
import { systemClock } from "../../runtime/clock.ts";
import { configOf, endpointsOf } from "../../test/fakes/config.ts";
import { withKeys } from "../../test/fakes/api-keys.ts";
import { RawBackend } from "../../test/fakes/backends.ts";
import { RawClient, request } from "../../test/fakes/clients.ts";
import { text } from "../../test/fakes/frames.ts";
import { TestGateway } from "../../test/fakes/gateway.ts";
import { Live } from "../../test/fakes/live.ts";
import { until } from "../../test/fakes/sockets.ts";
import { adminEndpoints } from "./admin.ts";

const TOKEN = "a-token-of-enough-characters";
const WITH_TOKEN = { headers: { authorization: `Bearer ${TOKEN}` } };

let backend: RawBackend;
let gateway: TestGateway;
let admin: AdminServer;

beforeEach(async () => {
  backend = await new RawBackend().open();
  gateway = new TestGateway();
  const gate = new AdminGate();
  gate.use(TOKEN);
  const endpoints = adminEndpoints(gateway.gateway, gateway.metrics, systemClock);
  admin = await adminServer(endpoints, "127.0.0.1", 0, { gate });
});
afterEach(async () => {
  await admin.close();
  await gateway.close();
  await backend.close();
});

const get = (path: string, init?: RequestInit): Promise<Response> =>
  fetch(`http://127.0.0.1:${admin.port}${path}`, init);
/** A closed endpoint's answer to the holder of the token. */
const look = async <T = Record<string, unknown>>(path: string): Promise<T> => (await get(path, WITH_TOKEN)).json() as T;
const statuses = async (): Promise<number[]> =>
  Promise.all(["/healthz", "/readyz"].map(async (path) => (await get(path)).status));

test("alive from the start; ready with a config and a listener; not ready any more while draining", async () => {
  expect(await statuses()).toEqual([200, 503]);
  await gateway.serve({ drainPeriod: "1h" }, [backend.port]);
  expect(await statuses()).toEqual([200, 200]);
  expect(await gateway.apply({} as never, {} as never)).toMatchObject({ ok: false });
  expect(await statuses()).toEqual([200, 200]);
  const abort = new AbortController();
  const done = gateway.gateway.drain(60_000, abort.signal);
  expect(await statuses()).toEqual([200, 503]);
  abort.abort();
  await done;
});

test("not ready where the first config's listener cannot be opened", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as { port: number };
  gateway.bindPort = () => port;
  await expect(gateway.serve({}, [backend.port])).rejects.toThrow("in use");
  expect(await statuses()).toEqual([200, 503]);
  const rejected = {
    hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    stage: "listener",
    problems: [expect.stringContaining("in use")],
  };
  expect(await look("/config")).toEqual({ proxies: [{ proxy: "test/proxy", rejected }], more: 0 });
  taken.close();
});

test("/config says why the config that came last is not in force, until one is", async () => {
  await gateway.serve({ generation: 1 }, [backend.port]);
  const told = async () => (await look<ConfigReport>("/config")).proxies[0];
  expect(await told()).not.toHaveProperty("rejected");
  const wrong = {
    ...configOf({ generation: 2 }),
    ...Object.fromEntries([...Array(30).keys()].map((at) => [`x${at}`, 1])),
  };
  expect(await gateway.apply(wrong, endpointsOf([backend.port]))).toMatchObject({ ok: false });
  const { generation, rejected } = (await told()) ?? {};
  expect(generation).toBe(1);
  expect(rejected).toMatchObject({ stage: "config" });
  expect(rejected?.problems).toHaveLength(8);
  expect(rejected?.problems[0]).toContain("unknown field");
  await gateway.serve({ generation: 1 }, [backend.port]);
  expect(await told()).not.toHaveProperty("rejected");
});

test("/sessions tells of each session what the contract lists, and forgets it when it has ended", async () => {
  await gateway.serve({ routes: [{ policies: withKeys(["alice"]) }] }, [backend.port]);
  expect(await look("/sessions")).toEqual({ sessions: [] });
  const live = await Live.open(gateway, backend, { client: "alice" });
  live.client.send(text("hello", true), text("you", true));
  live.backend.send(text("hi"));
  await live.arrived("fromClient", 2);
  await live.arrived("fromBackend", 1);
  const { sessions } = await look<SessionPage>("/sessions");
  const [session, ...more] = sessions;
  expect(more).toEqual([]);
  expect(session).toEqual({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    proxy: "test/proxy",
    route: "main",
    client: "alice",
    address: "127.0.0.1",
    since: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    messages: { fromClient: 2, fromBackend: 1 },
    bytes: { fromClient: 8, fromBackend: 2 },
  });
  expect(Math.abs(Date.now() - Date.parse(session?.since ?? ""))).toBeLessThan(60_000);
  live.client.socket.destroy();
  live.backend.socket.destroy();
  await gateway.empty();
  expect(await look("/sessions")).toEqual({ sessions: [] });
});

test("/sessions shows the subprotocol that was agreed on", async () => {
  const choosing = await new RawBackend((it) => it.accept(["Sec-WebSocket-Protocol: chat"])).open();
  await gateway.serve({}, [choosing.port]);
  const client = await RawClient.send(gateway.port, request({ headers: { "Sec-WebSocket-Protocol": "chat, more" } }));
  await client.answer();
  expect(await look("/sessions")).toMatchObject({ sessions: [{ subprotocol: "chat" }] });
  await choosing.close();
});

test("/config tells hash and generation, /config/routes the routes, and neither a setting that could hold a secret", async () => {
  const tls = { serverName: "echo.internal" };
  const login = { username: "me", password: "hidden-password" };
  const backends = [{ endpoints: "echo:80", weight: 3, basicAuth: login, tls }];
  await gateway.serve({ generation: 7, routes: [{ backends, policies: withKeys(["alice"]) }] }, [backend.port]);
  const hash = expect.stringMatching(/^[0-9a-f]{64}$/);
  const report = { proxy: "test/proxy", hash, endpointsHash: hash, generation: 7 };
  expect(await look("/config")).toEqual({ proxies: [report], more: 0 });
  const body = await (await get("/config/routes", WITH_TOKEN)).text();
  const route = {
    proxy: "test/proxy",
    name: "main",
    hostnames: [],
    path: { type: "Prefix", value: "/" },
    backends: [{ endpoints: "echo:80", weight: 3 }],
    policies: expect.arrayContaining(["authentication"]),
  };
  expect(JSON.parse(body)).toEqual({ routes: [route] });
  for (const secret of ["hidden-password", "digest", "alice"]) expect(body).not.toContain(secret);
});

test("/metrics is text that Prometheus reads, and grows by no label when nonsense is asked for", async () => {
  const answer = await get("/metrics");
  expect([answer.status, answer.headers.get("content-type")]).toEqual([
    200,
    "text/plain; version=0.0.4; charset=utf-8",
  ]);
  expect((await get("/metrics?x=1", { method: "HEAD" })).status).toBe(200);
  for (const path of ["/", "/nonsense", "/__proto__", "/metrics/"]) expect((await get(path)).status).toBe(404);
  expect((await get("/metrics", { method: "POST", body: "x" })).status).toBe(405);
});

test("what names clients, hosts or backends is for the holder of the token; probes and metrics are for all", async () => {
  await gateway.serve({}, [backend.port]);
  for (const path of ["/config", "/config/routes", "/sessions"]) {
    expect([path, (await get(path)).status]).toEqual([path, 401]);
    expect([path, (await get(path, WITH_TOKEN)).status]).toEqual([path, 200]);
  }
  for (const path of ["/healthz", "/readyz", "/metrics"]) expect([path, (await get(path)).status]).toEqual([path, 200]);
});

test("the public listener serves none of it", async () => {
  await gateway.serve({ routes: [{ path: { type: "Prefix", value: "/ws" } }] }, [backend.port]);
  for (const target of ["/healthz", "/readyz", "/metrics", "/config", "/sessions"]) {
    const client = await RawClient.send(
      gateway.port,
      request({ target, headers: { Upgrade: null, Connection: null } }),
    );
    expect((await client.answer()).status).toBe(404);
  }
  await until("nothing is left", () => gateway.attempts === 0);
});
