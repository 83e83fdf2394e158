import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { keyOf, withKeys } from "../fakes/api-keys.ts";
import { polite, RawBackend } from "../fakes/backends.ts";
import { Authority } from "../fakes/certificates.ts";
import { RawClient, request } from "../fakes/clients.ts";
import type { ConfigParts } from "../fakes/config.ts";
import { TestGateway, type LogLine } from "../fakes/gateway.ts";
import { until } from "../fakes/sockets.ts";

let backend: RawBackend;
let gateway: TestGateway;
let ca: Authority;

beforeAll(async () => {
  ca = await Authority.create();
});
beforeEach(async () => {
  backend = await new RawBackend(polite).open();
  gateway = new TestGateway();
});
afterEach(async () => {
  await gateway.close();
  await backend.close();
});

const route = {
  path: { type: "Prefix" as const, value: "/ws" },
  policies: { ...withKeys(["alice"]), timeouts: { handshake: "300ms" } },
};
const serve = (more: ConfigParts = {}): Promise<unknown> => gateway.serve({ routes: [route], ...more }, [backend.port]);
const SECRET = "canary-wrong-key-0001";

/** The line of the next refusal. */
async function line(): Promise<LogLine["fields"]> {
  await until("it is logged", () => gateway.lines.length > 0);
  return gateway.lines[0]?.fields ?? {};
}

async function refused(bytes: string | Buffer): Promise<LogLine["fields"]> {
  const client = await RawClient.send(gateway.port, bytes);
  await client.answer();
  client.socket.destroy();
  return line();
}

const ask = (target: string, headers: Record<string, string | string[] | null> = {}, method = "GET"): string =>
  request({ method, target, headers });
const here = { address: "127.0.0.1", host: "a.test", path: "/ws/room" };

test.each<[string, string, object]>([
  [
    "an unknown key",
    ask("/ws/room", { "X-Api-Key": SECRET }),
    { status: 401, cause: "no Secret of the route has this API key" },
  ],
  ["no key", ask("/ws/room"), { status: 401, cause: "no credential for apiKey in header x-api-key, query apikey" }],
  [
    "two keys",
    ask(`/ws/room?apikey=${SECRET}`, { "X-Api-Key": SECRET }),
    { status: 400, reason: "AmbiguousCredential", cause: "credentials in header x-api-key and in query apikey" },
  ],
  ["no route", ask("/else/room?x=1"), { status: 404, path: "/else/room" }],
  ["another method", ask("/ws/room", {}, "POST"), { status: 405 }],
  ["no upgrade", ask("/ws/room", { Upgrade: null, "X-Api-Key": keyOf("alice") }), { status: 426 }],
  [
    "a subprotocol twice",
    ask("/ws/room", { "Sec-WebSocket-Protocol": ["chat", "chat"] }),
    { status: 400, cause: "Sec-WebSocket-Protocol names more than 64, one twice, or one that is no token" },
  ],
  ["a malformed key", ask("/ws/room", { "Sec-WebSocket-Key": "x" }), { status: 400, cause: "Sec-WebSocket-Key" }],
  [
    "two Hosts",
    ask("/ws/room", { Host: ["a.test", "b.test"] }),
    { status: 400, host: undefined, cause: "two Host fields" },
  ],
  ["a dot segment", ask("/ws/../room"), { status: 400, path: "/ws/../room", cause: "dot segment" }],
  ["a long target", ask(`/ws/room?${"x".repeat(9000)}`), { status: 414 }],
  ["a long head", ask("/ws/room", { "X-Long": "x".repeat(17_000) }), { status: 431 }],
  [
    "a space in the target",
    ask(`/ws/room 1?apikey=${SECRET}`),
    { status: 400, cause: expect.stringMatching(/^HPE_INVALID_CONSTANT: /) },
  ],
  [
    "a header that is none",
    request({ target: "/ws/room" }).replace("Connection: Upgrade", `no header ${SECRET}`),
    { status: 400, cause: expect.stringMatching(/^HPE_INVALID_HEADER_TOKEN: /) },
  ],
  [
    "a TLS hello on the plain port",
    Buffer.concat([Buffer.from("16030100c8010000c40303", "hex"), Buffer.alloc(196, 7)]) as unknown as string,
    { status: 400, host: undefined, path: undefined, cause: "TLS on a port without TLS" },
  ],
  [
    "HTTP/2 without TLS",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    { status: 400, host: undefined, path: undefined, cause: "HTTP/2 on a port that speaks HTTP/1.1 only" },
  ],
  ["a key as a segment of the path", ask(`/ws/${SECRET}/room`), { status: 401, path: "/ws/…/room" }],
  ["a key in the path by mistake", ask(`/ws&apikey=${SECRET}`), { status: 404, path: "/ws…" }],
])("the line of a refusal says which client wanted to go where, and why: %s", async (_, bytes, wanted) => {
  await serve();
  const fields = await refused(bytes);
  expect({ host: undefined, path: undefined, ...fields }).toMatchObject({
    event: "HandshakeRefused",
    ...here,
    ...wanted,
  });
  expect(gateway.logged).not.toContain(SECRET);
});

test("behind a trusted proxy the line of a malformed handshake names the client, not the proxy", async () => {
  await serve({ trustedProxies: ["127.0.0.1"] });
  const fields = await refused(ask("/ws/room", { "Sec-WebSocket-Key": "x", "X-Forwarded-For": "192.0.2.7" }));
  expect(fields).toMatchObject({ status: 400, address: "192.0.2.7", host: "a.test", path: "/ws/room" });
});

test("a head that is not complete in time is logged with what came of it", async () => {
  await serve();
  expect(await refused(`GET /ws/room?apikey=${SECRET} HTTP/1.1\r\nHost: a.test\r\n`)).toMatchObject({
    ...here,
    ...{ event: "HandshakeRefused", status: 408, reason: "HandshakeTimeout" },
  });
  expect(gateway.logged).not.toContain(SECRET);
});

test("a target that is not complete in time is not logged", async () => {
  await serve();
  const fields = await refused(`GET /ws/${SECRET.slice(0, 10)}`);
  expect(fields).toMatchObject({ status: 408, address: "127.0.0.1" });
  expect(fields).not.toHaveProperty("path");
});

test("a TLS handshake that is not complete in time is logged with the client's address", async () => {
  await serve({ tls: { keyPair: await ca.issue({ names: ["a.test"] }) } });
  const client = await RawClient.send(gateway.port, Buffer.from("16030100c801", "hex"));
  expect(await line()).toMatchObject({ event: "HandshakeRefused", status: 408, address: "127.0.0.1" });
  client.socket.destroy();
});

test("a proxy that stops says which client it refused, and where that wanted to go", async () => {
  await serve();
  const waiting = await RawClient.send(gateway.port, "GET /ws/room HTTP/1.1\r\nHost: a.test\r\n");
  const read = /^wsproxy_waiting_sockets\{state="reading"\} 1$/m;
  await until("it is read", async () => read.test((await gateway.admin("/metrics")).body));
  const drained = gateway.gateway.drain(0, new AbortController().signal);
  waiting.socket.write("\r\n");
  expect(await line()).toMatchObject({ ...here, status: 503, reason: "Draining" });
  await drained;
});

test("a client that speaks plain HTTP on a port with TLS is logged, without its words", async () => {
  await serve({ tls: { keyPair: await ca.issue({ names: ["a.test"] }) } });
  const client = await RawClient.send(gateway.port, ask(`/ws?apikey=${SECRET}`));
  await until("it is closed", () => client.ended || client.closed);
  expect(gateway.lines[0]?.message).toBe("TLS handshake failed");
  expect(await line()).toEqual({
    ...{ proxy: "test/proxy", event: "TlsFailed", address: "127.0.0.1" },
    cause: "plain HTTP on a port with TLS",
  });
  client.socket.destroy();
});

test("a TLS handshake that fails is logged with the client's address, one whose client leaves is not", async () => {
  await serve({ tls: { keyPair: await ca.issue({ names: ["a.test"] }) } });
  const leaving = await RawClient.send(gateway.port, Buffer.from("16030100c801", "hex"));
  leaving.socket.resetAndDestroy();
  // A record of TLS with the alert that browsers send where they do not trust the certificate (RFC 8446 §6.2).
  const distrustful = await RawClient.send(gateway.port, Buffer.from("15030300020230", "hex"));
  const fields = await line();
  expect(fields).toMatchObject({ event: "TlsFailed", address: "127.0.0.1", cause: expect.stringMatching(/^ERR_SSL_/) });
  expect(gateway.lines).toHaveLength(1);
  distrustful.socket.destroy();
});
