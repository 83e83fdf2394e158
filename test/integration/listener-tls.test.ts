import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, beforeAll, expect, test } from "vitest";
import { freePort } from "../fakes/program.ts";
import { RawBackend } from "../fakes/backends.ts";
import { Authority } from "../fakes/certificates.ts";
import { RawClient, reasonOf, request, WsClient } from "../fakes/clients.ts";
import { configOf, endpointsOf, type ConfigParts } from "../fakes/config.ts";
import { parse, text } from "../fakes/frames.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { apiKeyPolicy, SECRET } from "../fakes/oracle.ts";
import { until } from "../fakes/sockets.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

let ca: Authority;
beforeAll(async () => {
  ca = await Authority.create();
});

interface Served {
  gateway: TestGateway;
  backend: RawBackend;
  apply(more: ConfigParts): Promise<void>;
}

async function serve(more: ConfigParts = {}): Promise<Served> {
  const backend = await new RawBackend((connection) => {
    connection.socket.once("end", () => connection.socket.end());
    connection.accept();
  }).open();
  open.push(backend);
  const keyPair = await ca.issue({ names: ["a.test", "*.wild.test"] });
  const gateway = await new TestGateway().serve({ tls: { keyPair }, ...more }, [backend.port]);
  open.push(gateway);
  return {
    gateway,
    backend,
    async apply(parts) {
      expect(await gateway.apply(configOf(parts), endpointsOf([backend.port]))).toMatchObject({ ok: true });
    },
  };
}

const trusting = (servername = "a.test"): { ca: string; servername: string } => ({ ca: ca.ca, servername });

test("a ws client talks over wss, and the backend gets X-Forwarded-Proto: https", async () => {
  const { gateway, backend } = await serve();
  const client = await WsClient.open(`wss://127.0.0.1:${gateway.port}/`, [], {
    ...trusting(),
    headers: { Host: "a.test" },
  });
  client.socket.send("hello");
  await until("it arrived", () => parse(backend.last.payload).frames[0]?.payload.toString() === "hello");
  expect(backend.last.values("x-forwarded-proto")).toEqual(["https"]);
  client.socket.terminate();
});

test("a certificate is rotated without a restart, and open sessions stay", async () => {
  const { gateway, backend, apply } = await serve();
  const before = await RawClient.openTls(gateway.port, trusting());
  before.socket.write(request());
  expect((await before.answer()).status).toBe(101);
  const session = backend.last;
  const port = gateway.port;
  await apply({ tls: { keyPair: await ca.issue({ names: ["b.test"] }) }, generation: 2 });
  expect(gateway.port).toBe(port);
  await expect(RawClient.openTls(port, trusting())).rejects.toThrow(/altnames|a\.test/);
  const after = await RawClient.openTls(port, trusting("b.test"));
  after.socket.write(request());
  expect((await after.answer()).status).toBe(101);
  before.send(text("still here", true));
  await until("the old session works", () => parse(session.payload).frames.length === 1);
  expect(gateway.sessions).toBe(2);
  before.socket.destroy();
  after.socket.destroy();
});

test("TLS 1.1 is refused, 1.2 and 1.3 are not", async () => {
  const { gateway } = await serve();
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    const client = await RawClient.openTls(gateway.port, { ...trusting(), minVersion: version, maxVersion: version });
    client.socket.write(request());
    expect((await client.answer()).status).toBe(101);
    client.socket.destroy();
  }
  const old = { ...trusting(), minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
  await expect(RawClient.openTls(gateway.port, old)).rejects.toThrow(/protocol version|unsupported protocol/i);
});

test("only http/1.1 is spoken over TLS", async () => {
  const { gateway } = await serve();
  const client = await RawClient.openTls(gateway.port, { ...trusting(), ALPNProtocols: ["h2", "http/1.1"] });
  expect((client.socket as { alpnProtocol?: unknown }).alpnProtocol).toBe("http/1.1");
  client.socket.destroy();
  await expect(RawClient.openTls(gateway.port, { ...trusting(), ALPNProtocols: ["h2"] })).rejects.toThrow(
    /alpn|protocol/i,
  );
});

test.each([
  ["plain HTTP", request()],
  ["nonsense", "\0\x01\x02 nonsense\r\n\r\n"],
])("%s on the TLS port is closed, and the next handshake is fine", async (_what, bytes) => {
  const { gateway, backend } = await serve();
  const client = await RawClient.send(gateway.port, bytes);
  await until("the gateway hung up", () => client.ended || client.closed, 5000);
  expect(client.received.toString("latin1")).not.toContain("HTTP/");
  expect(backend.connections.length).toBe(0);
  client.socket.destroy();
  const next = await RawClient.openTls(gateway.port, trusting());
  next.socket.write(request());
  expect((await next.answer()).status).toBe(101);
  next.socket.destroy();
});

/** What a TLS client says first. */
async function clientHello(): Promise<Buffer> {
  const backend = await new RawBackend(() => {}).open();
  const socket = connect({ port: backend.port, host: "127.0.0.1" });
  await once(socket, "connect");
  const dialled = RawClient.openTls(backend.port, {}).catch(() => undefined);
  await until("the hello came", () => backend.connections.some(({ received }) => received.length > 100));
  const hello = backend.connections.find(({ received }) => received.length > 100)!.received;
  socket.destroy();
  await backend.close();
  await dialled;
  return hello;
}

test("A22 the first half of a ClientHello is closed at timeouts.handshake", async () => {
  const { gateway } = await serve({ routes: [{ policies: { timeouts: { handshake: "300ms" } } }] });
  const hello = await clientHello();
  const started = performance.now();
  const client = await RawClient.send(gateway.port, hello.subarray(0, hello.length / 2));
  await until("the gateway hung up", () => client.ended || client.closed);
  const took = performance.now() - started;
  expect(took).toBeGreaterThan(290);
  expect(took).toBeLessThan(8000); // it would be 10 s by default
  expect(client.received.length).toBe(0);
  expect(await gateway.metric("handshakes_total", { reason: "HandshakeTimeout" })).toBe(1);
});

test("A22 a client that completes TLS and then sends no whole head is answered 408", async () => {
  const { gateway } = await serve({ routes: [{ policies: { timeouts: { handshake: "300ms" } } }] });
  const client = await RawClient.openTls(gateway.port, trusting());
  client.socket.write("GET /");
  const answer = await client.answer();
  expect([answer.status, reasonOf(answer)]).toEqual([408, "HandshakeTimeout"]);
  client.socket.destroy();
});

test("a refusal over TLS arrives whole, and the socket is closed soon", async () => {
  const { gateway } = await serve({ routes: [{ policies: { authentication: apiKeyPolicy() } }] });
  const client = await RawClient.openTls(gateway.port, trusting());
  client.socket.write(request());
  const answer = await client.answer();
  expect([answer.status, reasonOf(answer)]).toEqual([401, "CredentialMissing"]);
  await until("the socket is gone", () => client.closed || !client.socket.write("x"), 5000);
});

test.each([
  ["another name", "a.test", "b.test"],
  ["the wildcard's", "x.wild.test", "b.test"],
  ["another case", "A.TEST", "b.test"],
])("C17 with %s in the SNI, route and policy are those of the Host", async (_what, servername, host) => {
  const { gateway, backend } = await serve({
    routes: [
      { name: "open", hostnames: ["a.test", "*.wild.test"] },
      { name: "guarded", hostnames: ["b.test"], policies: { authentication: apiKeyPolicy() } },
    ],
  });
  const ask = async (headers: Record<string, string>): Promise<number> => {
    const client = await RawClient.openTls(gateway.port, trusting(servername));
    client.socket.write(request({ headers }));
    const { status } = await client.answer();
    client.socket.destroy();
    return status;
  };
  expect(await ask({ Host: host })).toBe(401);
  expect(backend.connections.length).toBe(0);
  expect(await ask({ Host: host, "X-Api-Key": SECRET })).toBe(101);
  expect(await ask({ Host: "a.test" })).toBe(101);
});

test("a ws proxy and a wss one swap their ports", async () => {
  const { gateway, backend } = await serve();
  const ports = new Map([
    [8080, await freePort()],
    [8443, await freePort()],
  ]);
  gateway.bindPort = (port) => ports.get(port) ?? 0;
  const keyPair = await ca.issue({ names: ["a.test"] });
  const put = async (plain: number, secure: number): Promise<void> => {
    const configs = [
      configOf({ name: "plain", port: plain }),
      configOf({ name: "secure", port: secure, tls: { keyPair } }),
    ];
    const more = { endpoints: endpointsOf([backend.port]), hash: `${plain}`, endpointsHash: "1" };
    const updates = [];
    for (const config of configs) updates.push(await gateway.gateway.read({ config, ...more }));
    const applied = await gateway.gateway.apply(updates);
    expect(applied.map(({ ok }) => ok)).toEqual([true, true]);
  };
  const url = (scheme: string, port: number): string => `${scheme}://127.0.0.1:${ports.get(port)}/`;
  await put(8080, 8443);
  const sessions = [await WsClient.open(url("ws", 8080)), await WsClient.open(url("wss", 8443), [], trusting())];
  await put(8443, 8080);
  await WsClient.open(url("ws", 8443));
  expect(backend.last.values("x-forwarded-port")).toEqual([`${ports.get(8443)}`]);
  await WsClient.open(url("wss", 8080), [], trusting());
  expect(backend.last.values("x-forwarded-port")).toEqual([`${ports.get(8080)}`]);
  for (const session of sessions) session.socket.send("on");
  await until("both got through", () => backend.connections.slice(0, 2).every(({ payload }) => payload.length > 0));
  expect(await gateway.metric("config_dropped_sessions_total")).toBe(0);
});
