import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { polite, RawBackend, WsBackend } from "../fakes/backends.ts";
import { RawClient, reasonOf, request, WsClient } from "../fakes/clients.ts";
import { text } from "../fakes/frames.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { Live } from "../fakes/live.ts";
import { until } from "../fakes/sockets.ts";

let backend: RawBackend;
let gateway: TestGateway;
let now: AbortController;
let draining: Promise<void> | undefined;

beforeEach(async () => {
  backend = await new RawBackend(polite).open();
  gateway = new TestGateway();
  now = new AbortController();
});
afterEach(async () => {
  now.abort();
  await draining;
  await gateway.close();
  await backend.close();
});

/** What the first signal does. */
function stop(grace: number): void {
  draining = gateway.gateway.drain(grace, now.signal);
}

const serve = (drainPeriod: string, policies = {}): Promise<unknown> =>
  gateway.serve({ drainPeriod, routes: [{ policies }] }, [backend.port]);
const ready = async (): Promise<number> => (await gateway.admin("/readyz")).status;
const refuses = (port: number): Promise<boolean> =>
  RawClient.open(port).then(
    ({ socket }) => {
      socket.destroy();
      return false;
    },
    () => true,
  );

test("at the signal the gateway is unready at once, serves for the grace, then closes its listener and ends its sessions", async () => {
  await serve("1ms");
  const { port } = gateway;
  expect(await ready()).toBe(200);
  const live = await Live.open(gateway, backend);
  stop(300);
  expect(await ready()).toBe(503);
  const late = await Live.open(gateway, backend);
  late.client.send(text("served", true));
  await late.arrived("fromClient", 1);
  expect(late.texts("fromClient")).toEqual(["served"]);
  expect(live.client.told).toBe(false);
  await until("the listener is closed", () => refuses(port));
  for (const one of [live, late])
    expect(await one.ended()).toEqual({ toClient: "1012 Draining", toBackend: "1012 Draining" });
});

test("200 sessions get 1012 over the whole period, none before its turn, and the gauge goes down to 0", async () => {
  const echo = await new WsBackend().open();
  await gateway.serve({ drainPeriod: "1500ms" }, [echo.port]);
  const clients = await Promise.all(Array.from({ length: 200 }, () => WsClient.open(gateway.url())));
  const times: number[] = [];
  const start = performance.now();
  for (const { socket } of clients) socket.once("close", () => times.push(performance.now() - start));
  const seen: number[] = [];
  stop(0);
  await until("all have gone", async () => {
    seen.push(await gateway.metric("draining_connections"));
    return times.length === 200;
  });
  await draining;
  expect(new Set(clients.map(({ closed }) => JSON.stringify(closed)))).toEqual(
    new Set([JSON.stringify({ code: 1012, reason: "Draining" })]),
  );
  // A busy machine may tell them later, never earlier: that they come evenly is shown in `drain.test.ts` beside the code.
  const slot = 1500 / 200;
  times.sort((a, b) => a - b);
  expect(times.filter((time, index) => time < index * slot - 5)).toEqual([]);
  expect(seen[0]).toBe(200);
  expect(await gateway.metric("draining_connections")).toBe(0);
  expect(await gateway.metric("connections")).toBe(0);
  expect(await gateway.metric("connections_closed_total", { code: "1012", reason: "Draining", by: "gateway" })).toBe(
    200,
  );
  await echo.close();
});

test("the second signal ends all sessions at once, without a Close", async () => {
  await serve("1h");
  const lives = [await Live.open(gateway, backend), await Live.open(gateway, backend)];
  stop(60_000);
  now.abort();
  await draining;
  for (const live of lives) expect(await live.ended()).toEqual({ toClient: "nothing", toBackend: "nothing" });
  await gateway.empty();
  expect(await gateway.metric("connections_closed_total")).toBe(2);
});

test("the second signal after the grace ends open sessions at once, without a Close", async () => {
  await serve("1h");
  const { port } = gateway;
  const live = await Live.open(gateway, backend);
  stop(0);
  await until("the listener is closed", () => refuses(port));
  expect(live.client.told).toBe(false);
  now.abort();
  await draining;
  expect(await live.ended()).toEqual({ toClient: "nothing", toBackend: "nothing" });
});

test("a client that connected before and asks during the drain gets 503 Draining, and no backend is dialled", async () => {
  await serve("1h");
  const { port } = gateway;
  await Live.open(gateway, backend);
  const early = await RawClient.open(port);
  early.socket.write(request().slice(0, 40));
  stop(0);
  await until("the listener is closed", () => refuses(port));
  early.socket.write(request().slice(40));
  const answer = await early.answer();
  expect([answer.status, reasonOf(answer), answer.headers.get("retry-after")]).toEqual([503, "Draining", "1"]);
  expect(backend.connections).toHaveLength(1);
});

test("a handshake whose backend does not answer is refused when the period is over, and holds up nothing", async () => {
  const silent = await new RawBackend(() => {}).open();
  await gateway.serve({ drainPeriod: "100ms" }, [silent.port]);
  const client = await RawClient.send(gateway.port, request());
  await until("it was dialled", () => silent.connections.length === 1);
  stop(0);
  await draining;
  const answer = await client.answer();
  expect([answer.status, reasonOf(answer)]).toEqual([503, "Draining"]);
  await until("the dial was given up", () => silent.last.closed || silent.last.ended);
  expect(silent.last.payload).toHaveLength(0);
  await silent.close();
});

test("a handshake that its backend answers during the drain is refused, and the backend's connection is closed", async () => {
  const slow = await new RawBackend(() => {}).open();
  await gateway.serve({ drainPeriod: "1h" }, [backend.port]);
  await Live.open(gateway, backend);
  await gateway.serve({ drainPeriod: "1h", generation: 2 }, [slow.port]);
  const client = await RawClient.send(gateway.port, request());
  await until("it was dialled", () => (slow.connections[0]?.head ?? "") !== "");
  const { port } = gateway;
  stop(0);
  await until("the listener is closed", () => refuses(port));
  slow.last.accept();
  expect(reasonOf(await client.answer())).toBe("Draining");
  await until("the backend was let go", () => slow.last.ended || slow.last.closed);
  expect(slow.last.payload).toHaveLength(0);
  await slow.close();
});

test("a config that comes during the drain still takes permissions away, and opens no port", async () => {
  await serve("1h");
  const { port } = gateway;
  const live = await Live.open(gateway, backend);
  stop(0);
  await until("the listener is closed", () => refuses(port));
  await gateway.serve(
    { port: 8081, routes: [{ policies: { deny: { clients: [], tokenIds: [], addresses: ["127.0.0.1"] } } }] },
    [backend.port],
  );
  expect(await live.ended()).toEqual({ toClient: "3003 Denied", toBackend: "3003 Denied" });
  expect(await refuses(port)).toBe(true);
  expect(await refuses(gateway.port)).toBe(true);
  expect(await ready()).toBe(503);
});

test("a config that is removed during the drain, and the drain itself: each session gets one Close, by what comes first", async () => {
  await serve("3s");
  const lives: Live[] = [];
  for (let at = 0; at < 30; at += 1) lives.push(await Live.open(gateway, backend));
  stop(0);
  await until("some were told", () => lives.filter(({ client }) => client.told).length > 3);
  await gateway.gateway.removeConfig("test/proxy");
  await draining;
  const told = await Promise.all(lives.map((live) => live.ended()));
  const reasons = told.map(({ toClient, toBackend }) => (toClient === toBackend ? toClient : "different"));
  expect(new Set(reasons)).toEqual(new Set(["1012 Draining", "1001 RouteRemoved"]));
  for (const live of lives) {
    for (const from of ["fromBackend", "fromClient"] as const)
      expect(live.frames(from).filter(({ opcode }) => opcode === 8)).toHaveLength(1);
  }
  expect(await gateway.metric("connections_closed_total")).toBe(30);
});

test("a listener that was being opened when the signal came does not stay open", async () => {
  await serve("1h");
  const spare = createServer().listen(0, "127.0.0.1");
  await once(spare, "listening");
  const { port } = spare.address() as AddressInfo;
  spare.close();
  await once(spare, "close");
  gateway.bindPort = () => port;
  const moving = gateway.serve({ port: 8081 }, [backend.port]);
  stop(0);
  await Promise.all([moving, draining]);
  expect(await refuses(port)).toBe(true);
});

test("a drain without sessions is over at once", async () => {
  await serve("1h");
  stop(0);
  await draining;
  expect(await gateway.metric("draining_connections")).toBe(0);
});
