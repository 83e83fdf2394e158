import { afterEach, beforeEach, expect, test } from "vitest";
import { keyOf, withKeys } from "../fakes/api-keys.ts";
import { polite, RawBackend } from "../fakes/backends.ts";
import { RawClient, request } from "../fakes/clients.ts";
import { close, text } from "../fakes/frames.ts";
import { TestGateway, type LogLine } from "../fakes/gateway.ts";
import { Live } from "../fakes/live.ts";
import { until } from "../fakes/sockets.ts";

let backend: RawBackend;
let gateway: TestGateway;

beforeEach(async () => {
  backend = await new RawBackend(polite).open();
  gateway = new TestGateway();
});
afterEach(async () => {
  await gateway.close();
  await backend.close();
});

const rate = { fromClient: [{ per: "Connection", limit: 3, interval: "1h", onExceed: "Drop" }], fromBackend: [] };

async function serve(access: "All" | "Refused" | "None" = "All"): Promise<void> {
  const route = {
    path: { type: "Prefix" as const, value: "/ws" },
    policies: { ...withKeys(["alice"]), messages: rate },
  };
  await gateway.serve({ access, routes: [route] }, [backend.port]);
}

/** A session of ten messages, of which seven are dropped, and a refusal. */
async function life(headers: Record<string, string> = {}): Promise<void> {
  const refused = await RawClient.send(gateway.port, request({ target: "/ws?apikey=secret&b=c" }));
  await refused.answer();
  const live = await Live.open(gateway, backend, { client: "alice", target: "/ws/chat?room=1", headers });
  live.client.send(...Array.from({ length: 10 }, (_, n) => text(`${n}`, true)));
  live.backend.send(text("answer"));
  await live.arrived("fromClient", 3);
  live.client.send(close(4000, "private words", true));
  await live.arrived("fromClient", 4);
  live.backend.send(close(4000, "private words"));
  live.client.socket.end();
  await gateway.empty();
}

const messages = (): string[] => gateway.lines.map(({ message }) => message);
const line = (message: string): LogLine["fields"] => gateway.lines.find((it) => it.message === message)?.fields ?? {};

test.each([
  ["All", ["handshake refused", "session opened", "limit exceeded", "session closed"]],
  ["Refused", ["handshake refused", "limit exceeded"]],
  ["None", []],
] as const)("access %s: one line for each state change, none for a message", async (access, wanted) => {
  await serve(access);
  await life();
  expect(messages()).toEqual(wanted);
});

test("each line says what the contract lists, and nothing else", async () => {
  await serve();
  await life({ "X-Request-Id": "request-0001" });
  const common = { proxy: "test/proxy", route: "main", requestId: "request-0001" };
  const session = {
    ...common,
    session: expect.stringMatching(/^[0-9a-f-]{36}$/),
    client: "alice",
    address: "127.0.0.1",
    endpoint: `127.0.0.1:${backend.port}`,
    status: 101,
  };
  expect(line("session opened")).toEqual({ ...session, event: "SessionOpened" });
  expect(line("session closed")).toEqual({
    ...session,
    event: "SessionClosed",
    code: 4000,
    reason: "Closed",
    by: "client",
    duration: expect.any(Number),
    messages: { fromClient: 3, fromBackend: 1 },
    bytes: { fromClient: 3, fromBackend: 6 },
  });
  expect(line("handshake refused")).toEqual({
    event: "HandshakeRefused",
    ...{ proxy: "test/proxy", route: "main", address: "127.0.0.1", status: 401, reason: "CredentialInvalid" },
    policy: "authentication",
    ...{ host: "a.test", path: "/ws", cause: "no Secret of the route has this API key" },
    requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
  expect(line("limit exceeded")).toEqual({
    event: "LimitExceeded",
    ...{ ...common, session: line("session opened")["session"], client: "alice", address: "127.0.0.1" },
    ...{ policy: "messages", direction: "fromClient" },
    ...{ per: "Connection", action: "Drop", shadow: false },
  });
  expect(gateway.logged).not.toContain("private words");
  expect(gateway.logged).not.toContain("room=1");
});

test.each([
  ["long", "a".repeat(129)],
  ["with other characters", "request-0001\tx"],
  ["with a quote", 'request-0001"x'],
])("a request id that is %s is replaced", async (_, id) => {
  await serve();
  const live = await Live.open(gateway, backend, { client: "alice", target: "/ws", headers: { "X-Request-Id": id } });
  expect(line("session opened")["requestId"]).toMatch(/^[0-9a-f-]{36}$/);
  expect(backend.last.values("x-request-id")).toEqual([line("session opened")["requestId"]]);
  await live.lives();
});

test("whatever a client or backend says, no line is long, and none holds a control character", async () => {
  const long = "x".repeat(6000);
  const hostile = await new RawBackend((connection) => {
    if (connection.head.includes("/ws/bad")) connection.socket.end(`HTTP/1.1 101 ${long}\r\nUpgrade: ${long}\r\n\r\n`);
    else connection.accept([`Sec-WebSocket-Protocol: ${long}`]);
  }).open();
  const route = { path: { type: "Prefix" as const, value: "/ws" }, policies: withKeys(["alice"]) };
  await gateway.serve({ routes: [route] }, [hostile.port]);
  const headers = { "X-Api-Key": keyOf("alice"), "Sec-WebSocket-Protocol": long };
  const odd = { ...headers, Host: `${long}.test`, "X-Request-Id": long };
  for (const parts of [
    { target: "/ws", headers },
    { target: "/ws/bad", headers },
    { target: "/ws", headers: odd },
    { target: `/${long}`, headers },
  ]) {
    const client = await RawClient.send(gateway.port, request(parts));
    await client.answer();
    client.socket.destroy();
  }
  await until("all is logged", () => gateway.lines.length >= 4);
  for (const one of gateway.lines) {
    const written = JSON.stringify(one);
    expect(written.length).toBeLessThan(1500);
    expect(written).not.toMatch(/[\u007f\u2028]|\\u00|\\[bfnrt]/);
  }
  await hostile.close();
});
