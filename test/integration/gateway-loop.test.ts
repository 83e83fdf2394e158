import { expect, onTestFinished, test } from "vitest";
import { keyOf, withKeys } from "../fakes/api-keys.ts";
import { RawBackend } from "../fakes/backends.ts";
import { RawClient, reasonOf, request } from "../fakes/clients.ts";
import { configOf, type ConfigParts, type RouteParts } from "../fakes/config.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { freePort } from "../fakes/program.ts";

/** The operator refuses a backend that is the pod's own listener; a rendered config of another origin may have one. */

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
  const backends = { "echo:80": endpoints("127.0.0.1", backend.port), [LOOP]: endpoints("localhost", port) };
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
