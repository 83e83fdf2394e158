import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { adminEndpoints } from "../../dataplane/admin/admin.ts";
import { AdminGate } from "../../runtime/admin-port/admin-gate.ts";
import { adminServer, type AdminServer } from "../../runtime/admin-port/admin-server.ts";
import { systemClock } from "../../runtime/clock.ts";
import { RawBackend } from "../fakes/backends.ts";
import { RawClient, request, WsClient } from "../fakes/clients.ts";
import { EventReader, reading as reads } from "../fakes/event-reader.ts";
import { text as message } from "../fakes/frames.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { until } from "../fakes/sockets.ts";

const TOKEN = "a-token-of-enough-characters";
/** More refusals than fill a client's unread megabyte and the buffers of both kernels. */
const FLOOD = 60_000;

let backend: RawBackend;
let gateway: TestGateway;
let admin: AdminServer;
const sockets: Socket[] = [];

beforeEach(async () => {
  backend = await new RawBackend().open();
  gateway = await new TestGateway().serve({}, [backend.port]);
  const gate = new AdminGate();
  gate.use(TOKEN);
  admin = await adminServer(adminEndpoints(gateway.gateway, gateway.metrics, systemClock), "127.0.0.1", 0, { gate });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await admin.close();
  await gateway.close();
  await backend.close();
});

const ask = (query = "", token = TOKEN): Promise<Response> =>
  fetch(`http://127.0.0.1:${admin.port}/debug/events${query}`, { headers: { authorization: `Bearer ${token}` } });

/** A client that sends the request and reads nothing of the answer. */
async function stalled(): Promise<Socket> {
  const socket = connect(admin.port, "127.0.0.1");
  sockets.push(socket);
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.pause();
  socket.write(`GET /debug/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`);
  return socket;
}

/** Reads a stream until it has ended. */
async function read(response: Response): Promise<EventReader> {
  const reader = new EventReader();
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) reader.write(`${block}\n\n`);
  }
  return reader;
}

test("a holder of the token reads the events as they come, until the admin port closes", async () => {
  expect((await ask("", "another-token-of-many-characters")).status).toBe(401);
  expect((await ask("?user=alice")).status).toBe(400);
  const response = await ask();
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
  const reading = read(response);
  await until("it watches", () => gateway.gateway.watching.watched);
  const client = await WsClient.open(gateway.url("/room"));
  client.socket.close(1000);
  await gateway.empty();
  const closed = admin.close();
  const reader = await reading;
  await closed;
  const names = reader.events.map(({ name }) => name);
  expect(names.filter((name) => name !== "timeline")).toEqual(["watching", "handshake", "closed"]);
  expect(reader.of("timeline")[0]).toMatchObject({ what: "closeReceived", direction: "fromClient", code: 1000 });
  expect(reader.of("handshake")[0]).toMatchObject({ status: 101, path: "/room" });
  expect(reader.of("closed")[0]).toMatchObject({ code: 1000, by: "client" });
  expect(gateway.gateway.watching.watched).toBe(false);
});

test("a client that does not read is cut, and the others go on", async () => {
  await stalled();
  const response = await ask("?outcome=404");
  const reading = read(response);
  const { watching } = gateway.gateway;
  await until("two places are taken", () => watching.places === 2);
  const line = { proxy: "test/proxy", status: 403, reason: "Denied", policy: "deny", cause: "x".repeat(256) };
  for (let n = 0; n < FLOOD && watching.places === 2; n += 1) {
    watching.tell("HandshakeRefused", line, undefined);
    if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect([watching.places, watching.lost]).toEqual([1, { Full: 0, GaveWay: 0, Slow: 1 }]);
  expect(await gateway.metric("debug_streams_lost_total", { reason: "Slow" })).toBe(1);
  await gateway.serve({ routes: [{ path: { type: "Prefix", value: "/other" } }] }, [backend.port]);
  const late = await RawClient.send(gateway.port, request({ target: "/room" }));
  expect((await late.answer()).status).toBe(404);
  late.socket.destroy();
  await admin.close();
  expect((await reading).of("handshake")).toMatchObject([{ status: 404, reason: "RouteNotFound" }]);
});

test("a limit names its session: a client that chooses the request id of another one adds nothing to that one's timeline", async () => {
  const rate = { per: "Connection", limit: 1, interval: "1h", onExceed: "Drop" } as const;
  const policies = { messages: { fromClient: [rate], fromBackend: [] } };
  await gateway.serve({ routes: [{ policies }] }, [backend.port]);
  const reader = reads(gateway.gateway);
  const headers = { "X-Request-Id": "request-of-alice" };
  const clients = [await RawClient.send(gateway.port, request({ headers }))];
  const { session: first } = await reader.next("handshake", 1);
  clients.push(await RawClient.send(gateway.port, request({ headers })));
  const { session: second } = await reader.next("handshake", 2);
  clients[1]?.send(message("one", true), message("two", true));
  expect(await reader.next("limit")).toMatchObject({ requestId: "request-of-alice", session: second });
  expect(second).not.toBe(first);
  for (const { socket } of clients) socket.destroy();
});
