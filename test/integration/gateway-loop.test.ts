import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { keyOf, withKeys } from "../fakes/api-keys.ts";
import { RawBackend } from "../fakes/backends.ts";
import { RawClient, reasonOf, request } from "../fakes/clients.ts";
import { configOf, type ConfigParts, type RouteParts } from "../fakes/config.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { freePort } from "../fakes/program.ts";

// A Service may lead back to the gateway's own pods. A backend at localhost that is the gateway itself is never dialled: its
// admin port may have been moved to a backend's, and a listener stays where it was while the config's cannot be opened.

const LOOP = "loop:80";

/** A gateway with a route that leads back to its own listener, under /loop, and one that leads to a backend. */
async function loop(loopRoute: RouteParts, more: ConfigParts = {}): Promise<TestGateway> {
  const [port, backend] = [await freePort(), await new RawBackend().open()];
  const gateway = new TestGateway();
  onTestFinished(async () => {
    await gateway.close();
    await backend.close();
  });
  gateway.bindPort = () => port;
  const back = { name: "loop", path: { type: "Prefix", value: "/loop" } as const, ...loopRoute };
  const routes = [{ name: "main" }, { ...back, backends: [{ endpoints: LOOP, weight: 1 }] }];
  const endpoints = (address: string, at: number) => [{ address, port: at, state: "Ready" as const }];
  const backends = { "echo:80": endpoints("127.0.0.1", backend.port), [LOOP]: endpoints("127.0.0.1", port) };
  const applied = await gateway.apply(configOf({ access: "None", ...more, routes }), { version: 1, backends });
  expect(applied.ok).toBe(true);
  return gateway;
}

async function ask(gateway: TestGateway, target: string, headers: Record<string, string> = {}): Promise<string> {
  const client = await RawClient.send(gateway.port, request({ target, headers }));
  const answer = await client.answer();
  client.socket.destroy();
  return answer.status === 101 ? "101" : `${answer.status} ${reasonOf(answer)}`;
}

/** No handshake and no session is left, and the next client is served. */
async function served(gateway: TestGateway): Promise<void> {
  await gateway.empty();
  expect(await ask(gateway, "/")).toBe("101");
}

test("a route that leads to its own listener dials itself until the pod has as many handshakes as it may", async () => {
  const gateway = await loop({}, { maxConnections: 50 });
  expect(await ask(gateway, "/loop")).toBe("503 Overloaded");
  expect(await gateway.metric("handshakes_total", { reason: "Overloaded" })).toBe(1);
  expect(await gateway.metric("handshakes_total", { reason: "BackendRefused" })).toBe(50);
  await served(gateway);
});

test("a loop that is long ends at the backend's time-out of its first handshake, all of it", async () => {
  const policies = { timeouts: { handshake: "10s", backendConnect: "200ms", idle: "0s", lifetime: "0s" } };
  const gateway = await loop({ policies }, { maxConnections: 10_000 });
  expect(await ask(gateway, "/loop")).toBe("504 BackendTimeout");
  await served(gateway);
});

test("a loop through a route with credentials ends at its second handshake, which has none", async () => {
  const gateway = await loop({ policies: withKeys(["alice"]) });
  expect(await ask(gateway, "/loop", { "X-Api-Key": keyOf("alice") })).toBe("401 CredentialMissing");
  expect(await gateway.metric("handshakes_total", { route: "loop" })).toBe(2);
  await served(gateway);
});

const never = (port: number, what: string): unknown =>
  expect.objectContaining({
    message: "handshake refused",
    fields: expect.objectContaining({
      status: 502,
      reason: "BackendUnreachable",
      cause: expect.stringContaining(`localhost:${port} is this gateway itself, ${what}`),
    }),
  });

/** A gateway whose one route leads to these ports of the pod, and then to its listener too if `itself`. */
async function inPod(ports: readonly number[], itself = false): Promise<TestGateway> {
  const gateway = new TestGateway();
  onTestFinished(() => gateway.close());
  const listener = await freePort();
  gateway.bindPort = () => listener;
  const all = itself ? [...ports, listener] : ports;
  const config = configOf({ routes: [{ backends: [{ endpoints: LOOP, weight: 1 }] }] });
  const here = all.map((port) => ({ address: "localhost", port, state: "Ready" as const }));
  expect(await gateway.apply(config, { version: 1, backends: { [LOOP]: here } })).toMatchObject({ ok: true });
  return gateway;
}

test("P4 a backend at localhost is never the gateway's own listener, whatever port its config names", async () => {
  const gateway = await inPod([], true);
  expect(await ask(gateway, "/")).toBe("502 BackendUnreachable");
  expect(gateway.lines).toContainEqual(never(gateway.port, "its listener"));
  expect(await gateway.metric("handshakes_total", { reason: "BackendUnreachable" })).toBe(1);
});

test("P4 a backend at localhost is never the gateway's own admin port", async () => {
  const arrived: string[] = [];
  const admin = createServer((socket) => {
    arrived.push("a connection");
    socket.destroy();
  }).listen(0);
  await once(admin, "listening");
  onTestFinished(() => void admin.close());
  const { port } = admin.address() as AddressInfo;
  const gateway = await inPod([port]);
  gateway.adminAt = { address: "::", port };
  expect(await ask(gateway, "/")).toBe("502 BackendUnreachable");
  expect(arrived).toEqual([]);
  expect(gateway.lines).toContainEqual(never(port, "its admin port"));
});

test("of several backends at localhost the one that is the gateway is passed over", async () => {
  const backend = await new RawBackend().open();
  onTestFinished(() => backend.close());
  const gateway = await inPod([backend.port], true);
  for (let turn = 0; turn < 8; turn += 1) expect(await ask(gateway, "/")).toBe("101");
  expect(await gateway.metric("handshakes_total")).toBe(8);
});

test("a port that is open on another address of the host alone is the backend's on loopback", async () => {
  const backend = await new RawBackend().open();
  onTestFinished(() => backend.close());
  const gateway = await inPod([backend.port]);
  gateway.adminAt = { address: "192.0.2.1", port: backend.port };
  expect(await ask(gateway, "/")).toBe("101");
});
