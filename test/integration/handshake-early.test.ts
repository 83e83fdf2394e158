import { afterEach, expect, test } from "vitest";
import { RawClient, request } from "../fakes/clients.ts";
import { parse, text } from "../fakes/frames.ts";
import { apiKeyPolicy, base, Bench, WAYS } from "../fakes/oracle.ts";
import { SlowIssuer } from "../fakes/slow-issuer.ts";
import { until } from "../fakes/sockets.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function bench(policies: object = {}, timeouts: object = {}): Promise<Bench> {
  const it = await new Bench().open({ policies: { timeouts, ...policies } });
  open.push(it);
  return it;
}

/** Handshakes wait for their issuer, until it is released. */
async function held(): Promise<{ it: Bench; issuer: SlowIssuer; handshake: string }> {
  const issuer = await new SlowIssuer().open();
  open.push(issuer);
  const it = await bench({ authentication: issuer.policy });
  return { it, issuer, handshake: base({ headers: { Authorization: "Bearer opaque-token-1" } }) };
}

test("A15 what is pipelined behind a plain request is never looked at", async () => {
  const it = await bench();
  const plain = request({ target: "/x", headers: { Connection: null, Upgrade: null } });
  const wanted = { status: 404, reason: "RouteNotFound" };
  for (const more of [base(), plain.repeat(50), "rubbish\r\n\r\n", "\0".repeat(1000)]) {
    await it.expectRefusals(plain + more, wanted);
  }
});

test("A15 rubbish behind a plain request whose credential is being verified does not cut off its answer", async () => {
  const { it, issuer } = await held();
  const headers = { Authorization: "Bearer opaque-token-1", Connection: null, Upgrade: null };
  const client = await RawClient.send(it.gateway.port, `${request({ target: "/ws", headers })}rubbish\r\n\r\n`);
  await until("the issuer was asked", () => issuer.asked === 1);
  client.send(Buffer.from("more rubbish\r\n\r\n"));
  issuer.release();
  expect((await client.answer()).status).toBe(426);
});

test("A16 bytes behind a handshake that the backend refuses never reach it", async () => {
  const it = await bench();
  it.script = (connection) => {
    connection.socket.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
  };
  const wanted = { status: 403, reason: "BackendRefused", dials: 1 };
  const answer = await it.expectRefusal(`${base()}GET /admin HTTP/1.1\r\nHost: a.test\r\n\r\n`, wanted);
  expect(answer.body).toBe("no");
  await it.expectRefusal(Buffer.concat([Buffer.from(base()), text("early", true)]), wanted);
});

test.each(WAYS)("A17 a frame behind the handshake arrives once, first and intact: %s", async (way) => {
  const it = await bench();
  const frames = [text("first", true), text("second", true)];
  const client = await it.connect();
  const bytes = Buffer.concat([Buffer.from(base()), ...frames]);
  const size = way === "one write" ? bytes.length : 7;
  for (let at = 0; at < bytes.length; at += size) {
    client.socket.write(bytes.subarray(at, at + size));
    if (way !== "one write") await new Promise((resolve) => setImmediate(resolve));
  }
  await until(
    "both frames arrived",
    () => it.backend.connections[0]?.payload.length === frames[0]!.length + frames[1]!.length,
  );
  expect(it.backend.last.payload.equals(Buffer.concat(frames))).toBe(true);
  client.socket.destroy();
});

test("A17 nothing that was sent early reaches the backend before its 101", async () => {
  const it = await bench();
  it.script = () => {};
  const client = await RawClient.send(it.gateway.port, Buffer.concat([Buffer.from(base()), text("early", true)]));
  await until("the backend got the request", () => (it.backend.connections[0]?.head ?? "") !== "");
  client.send(text("later", true));
  await new Promise((resolve) => setTimeout(resolve, 50)); // for what must not happen
  expect(it.backend.last.payload.length).toBe(0);
  it.backend.last.accept();
  await until("both frames arrived", () => parse(it.backend.last.payload).frames.length === 2);
  expect(parse(it.backend.last.payload).frames.map(({ payload }) => payload.toString())).toEqual(["early", "later"]);
  client.socket.destroy();
});

test("A18 10 MiB that are sent before the credential is verified stay with the sender", async () => {
  const { it, issuer, handshake } = await held();
  const client = await RawClient.send(it.gateway.port, handshake);
  await until("the issuer was asked", () => issuer.asked === 1);
  const frame = text("x".repeat(60_000), true);
  for (let sent = 0; sent < 10 * 1024 * 1024; sent += frame.length) client.socket.write(frame);
  let taken = -1;
  await until("the gateway takes no more", async () => {
    const before = taken;
    taken = client.socket.bytesWritten - client.socket.writableLength;
    await new Promise((resolve) => setTimeout(resolve, 30));
    return before === taken;
  });
  const unread = client.socket.writableLength;
  expect(unread, "what the kernel and the gateway have not taken").toBeGreaterThan(1024 * 1024);
  issuer.release();
  await until("all of it arrives", () => (it.backend.connections[0]?.payload.length ?? 0) >= 10 * 1024 * 1024, 20_000);
  client.socket.destroy();
});

const LEAVING: [string, (client: RawClient) => void][] = [
  ["resets", (client) => client.socket.resetAndDestroy()],
  ["hangs up", (client) => client.socket.destroy()],
  ["half-closes", (client) => client.socket.end()],
];

test.each(LEAVING)(
  "A19, A33 a client that %s while its credential is verified leaves nothing behind",
  async (_how, leave) => {
    const { it, issuer, handshake } = await held();
    const clients = await Promise.all(Array.from({ length: 100 }, () => RawClient.send(it.gateway.port, handshake)));
    await until("all wait for the issuer", () => issuer.asked > 0 && it.gateway.attempts === 100);
    clients.forEach(leave);
    await until("every handshake is over", () => it.gateway.attempts === 0);
    await until("every socket is closed", () =>
      clients.every(({ closed, socket }) => closed || socket.destroyed || !socket.write("x")),
    );
    issuer.release();
    await new Promise((resolve) => setTimeout(resolve, 30)); // for dials that must not come
    expect(it.backend.connections.length).toBe(0);
    expect(it.gateway.sessions).toBe(0);
    clients.forEach(({ socket }) => socket.destroy());
  },
);

test.each(LEAVING)(
  "A19 when a client %s while the backend is silent, the backend's connection is closed",
  async (_how, leave) => {
    const it = await bench();
    it.script = () => {};
    const clients = await Promise.all(Array.from({ length: 50 }, () => RawClient.send(it.gateway.port, base())));
    await until("all are dialled", () => it.backend.connections.filter(({ head }) => head !== "").length === 50);
    clients.forEach(leave);
    await until("every handshake is over", () => it.gateway.attempts === 0);
    const gone = (): boolean => it.backend.connections.every(({ ended, closed }) => ended || closed);
    await until("every connection of the backend has ended", gone);
    await it.expectHealthy();
    clients.forEach(({ socket }) => socket.destroy());
  },
);

test.each(LEAVING)(
  "A33 when a client sends a frame early and then %s, nothing is left once its credential is verified",
  async (_how, leave) => {
    const { it, issuer, handshake } = await held();
    const bytes = Buffer.concat([Buffer.from(handshake), text("early", true)]);
    const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.send(it.gateway.port, bytes)));
    await until("all wait for the issuer", () => issuer.asked > 0 && it.gateway.attempts === 20);
    clients.forEach(({ socket }) => socket.write(text("x".repeat(200_000), true)));
    clients.forEach(leave);
    it.script = (connection) => {
      connection.socket.once("end", () => connection.socket.end());
      connection.accept();
    };
    issuer.release();
    await it.gateway.empty();
    const gone = (): boolean => it.backend.connections.every(({ ended, closed }) => ended || closed);
    await until("every connection of the backend has ended", gone);
    clients.forEach(({ socket }) => socket.destroy());
  },
);

test("A13 1,000 clients that reset right behind a bad handshake do no harm", async () => {
  const it = await bench();
  const bad = base({ headers: { Upgrade: "foo" } });
  for (let round = 0; round < 20; round += 1) {
    const clients = await Promise.all(Array.from({ length: 50 }, () => it.connect()));
    for (const { socket } of clients) socket.write(bad, () => socket.resetAndDestroy());
    await until("all have left", () => clients.every(({ closed }) => closed));
  }
  await it.expectHealthy();
  expect(await it.gateway.metric("handshakes_total", { reason: "BadHandshake" })).toBeGreaterThan(0);
  expect(it.gateway.lines.filter(({ level }) => level === "error")).toEqual([]);
});

test("A21 a head that comes too slowly is answered 408 in time", async () => {
  const it = await bench({}, { handshake: "300ms" });
  const client = await it.connect();
  const started = performance.now();
  const bytes = base();
  for (let at = 0; at < bytes.length && !client.answered; at += 1) {
    client.socket.write(bytes.slice(at, at + 1));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect((await client.answer()).status).toBe(408);
  const took = performance.now() - started;
  expect(took).toBeGreaterThan(290);
  expect(took).toBeLessThan(8000); // it would be 10 s by default
  expect(await it.gateway.metric("handshakes_total", { reason: "HandshakeTimeout" })).toBe(1);
});

test.each([
  ["nothing", ""],
  ["empty lines", "\r\n\r\n"],
  ["half a request line", "GET /w"],
  ["all but the last byte", base().slice(0, -1)],
])("A22 a client that sends %s is closed at timeouts.handshake", async (_what, bytes) => {
  const it = await bench({}, { handshake: "200ms" });
  await it.expectRefusal(bytes, { status: 408, reason: "HandshakeTimeout" });
  expect((await it.gateway.admin("/healthz")).status).toBe(200);
});

test("A22 a client that half-closes in the middle of its head is answered 400 at once", async () => {
  const it = await bench({ authentication: apiKeyPolicy() });
  const client = await RawClient.send(it.gateway.port, base().slice(0, 40));
  client.socket.end();
  expect((await client.answer()).status).toBe(400);
});
