import { afterEach, beforeEach, expect, test } from "vitest";
import { DEBUG } from "../../api/debug.ts";
import { adminEndpoints } from "../../dataplane/admin/admin.ts";
import { AdminGate } from "../../runtime/admin-port/admin-gate.ts";
import { adminServer, type AdminServer } from "../../runtime/admin-port/admin-server.ts";
import { systemClock } from "../../runtime/clock.ts";
import { withKeys } from "../fakes/api-keys.ts";
import { RawBackend } from "../fakes/backends.ts";
import { EventReader } from "../fakes/event-reader.ts";
import { text } from "../fakes/frames.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { Live } from "../fakes/live.ts";
import { until } from "../fakes/sockets.ts";

// `/debug/frames` through the admin port itself.

const TOKEN = "a-token-of-enough-characters";

let backend: RawBackend;
let gateway: TestGateway;
let admin: AdminServer;

beforeEach(async () => {
  backend = await new RawBackend().open();
  gateway = new TestGateway();
  await gateway.serve({ payload: "Allowed", routes: [{ policies: withKeys(["alice"]) }] }, [backend.port]);
  const gate = new AdminGate();
  gate.use(TOKEN);
  admin = await adminServer(adminEndpoints(gateway.gateway, gateway.metrics, systemClock), "127.0.0.1", 0, { gate });
});
afterEach(async () => {
  await admin.close();
  await gateway.close();
  await backend.close();
});

const ask = (query: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${admin.port}/debug/frames?${query}`, {
    headers: { authorization: `Bearer ${TOKEN}` },
    ...init,
  });

test("a holder of the token reads frames as they come, until the trace's time is over", async () => {
  const live = await Live.open(gateway, backend, { client: "alice" });
  expect((await ask("client=alice", { headers: {} })).status).toBe(401);
  expect((await ask("client=alice&session=x")).status).toBe(400);
  const response = await ask("client=alice&seconds=1&payload=5");
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
  live.client.send(text("hello world", true));
  const body = await response.text();
  const reader = new EventReader();
  for (const block of body.split("\n\n").slice(0, -1)) reader.write(`${block}\n\n`);
  expect(reader.of("frame")).toMatchObject([{ verdict: "forwarded", size: 11, payload: "hello" }]);
  expect(gateway.gateway.watching.places).toBe(0);
  await live.lives();
});

test("a request for the head alone takes no place and leaves no line", async () => {
  expect((await ask("client=alice&payload=5", { method: "HEAD" })).status).toBe(200);
  expect(gateway.gateway.watching.places).toBe(0);
  expect(gateway.logged).not.toContain("PayloadTraced");
});

test("a client that goes gives its place back, and the session is traced no more", async () => {
  const live = await Live.open(gateway, backend, { client: "alice" });
  const aborts = Array.from({ length: DEBUG.watchers }, () => new AbortController());
  // An answer that the test does not keep may be collected as garbage, and its stream ends then.
  const streams: Response[] = [];
  for (const { signal } of aborts) streams.push(await ask("client=alice", { signal }));
  expect(streams.map(({ status }) => status)).toEqual(Array(DEBUG.watchers).fill(200));
  const [proxy] = gateway.gateway.proxies;
  const [session] = [...(proxy?.sessions ?? [])];
  expect([(await ask("client=alice")).status, session?.tap === undefined]).toEqual([503, false]);
  for (const abort of aborts) abort.abort();
  await until("all places are free", () => gateway.gateway.watching.places === 0);
  expect([session?.tap, streams.length]).toEqual([undefined, DEBUG.watchers]);
  await live.lives();
});
