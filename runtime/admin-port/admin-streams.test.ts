import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { tooMuchInEachRound } from "../../test/fakes/rounds.ts";
import { Peer, until } from "../../test/fakes/sockets.ts";
import { closedEndpoint, openEndpoint, textAnswer, type AdminSink, type AdminStream } from "./admin-endpoint.ts";
import { AdminGate } from "./admin-gate.ts";
import { adminServer, type AdminServer } from "./admin-server.ts";

const TOKEN = "a-token-of-enough-characters";
/** Bytes that may wait for a client. */
const UNREAD = 1_000_000;

/** The streams of an endpoint, as the endpoint sees them. */
class Streams {
  readonly sinks: AdminSink[] = [];
  left = 0;
  /** What each does at its beginning. */
  first: (sink: AdminSink) => void = () => {};

  readonly stream: AdminStream = {
    contentType: "text/event-stream",
    unread: UNREAD,
    open: (sink) => {
      this.sinks.push(sink);
      this.first(sink);
      return () => void (this.left += 1);
    },
  };
}

let streams: Streams;
let clock: FakeClock;
let gate: AdminGate;
let admin: AdminServer;
let held: (() => void) | undefined;
const sockets: Socket[] = [];

beforeEach(async () => {
  streams = new Streams();
  held = undefined;
  clock = new FakeClock();
  gate = new AdminGate();
  gate.use(TOKEN);
  admin = await adminServer(
    {
      "/events": closedEndpoint(() => streams.stream),
      "/open": openEndpoint(() => streams.stream),
      "/later": openEndpoint(async () => streams.stream),
      "/held": openEndpoint(() => new Promise((done) => (held = () => done(streams.stream)))),
      "/ok": openEndpoint(() => textAnswer(200, "ok", { "x-more": "yes" })),
    },
    "127.0.0.1",
    0,
    { gate, clock },
  );
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await admin.close();
});

const get = (path: string, method = "GET", more = ""): string => `${method} ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;

async function asking(request: string): Promise<Peer> {
  const socket = connect(admin.port, "127.0.0.1");
  sockets.push(socket);
  const peer = new Peer(socket);
  await once(socket, "connect");
  socket.write(request);
  return peer;
}

const opened = (count: number): Promise<void> => until(`${count} are open`, () => streams.sinks.length === count);
const gone = (count: number): Promise<void> => until(`${count} are over`, () => streams.left === count);

test("a stream has its head at once, and each text as soon as the endpoint writes it, or 50 ms later", async () => {
  const peer = await asking(get("/later"));
  await until("the head is there", () => peer.received.includes("\r\n\r\n"));
  const head = String(peer.received).toLowerCase();
  expect(head).toMatch(/^http\/1\.1 200 ok\r\n/);
  for (const field of [
    "content-type: text/event-stream",
    "cache-control: no-store",
    "x-content-type-options: nosniff",
  ]) {
    expect(head).toContain(`${field}\r\n`);
  }
  expect(head).not.toContain("content-length");
  for (const text of ["event: watching\n\n", ":\n\n", "ü\n\n"]) {
    streams.sinks[0]?.write(text);
    clock.advance(50);
    await until("it is there", () => peer.received.includes(text));
  }
});

test("the end of a stream is in order, comes once, and leaves the connection for other requests", async () => {
  const peer = await asking(get("/open"));
  await opened(1);
  const [sink] = streams.sinks;
  sink?.write("last");
  sink?.end();
  expect(streams.left).toBe(1);
  sink?.end();
  sink?.write("too late");
  await until("its end is there", () => peer.received.includes("last\r\n0\r\n\r\n"));
  peer.send(Buffer.from(get("/ok")));
  await until("the next answer is there", () => peer.received.includes("\r\nok\n") && !peer.ended);
  expect(String(peer.received)).toContain("x-more: yes\r\n");
  expect(String(peer.received)).not.toContain("too late");
  expect(streams.left).toBe(1);
});

test.each([
  ["leaves", (peer: Peer) => void peer.socket.end()],
  ["resets", (peer: Peer) => void peer.socket.resetAndDestroy()],
])("a client that %s ends its stream, once", async (_, leave) => {
  const peer = await asking(get("/open"));
  await opened(1);
  leave(peer);
  await gone(1);
  for (let more = 0; more < 100; more += 1) streams.sinks[0]?.write("x".repeat(100_000));
  streams.sinks[0]?.end();
  await until("its socket is closed", () => peer.closed);
  expect(streams.left).toBe(1);
});

test("a stream that is over while it opens is left once", async () => {
  streams.first = (sink) => {
    sink.write("all there is");
    sink.end();
  };
  const peer = await asking(get("/open"));
  await until("it has ended", () => peer.received.includes("all there is\r\n0\r\n\r\n"));
  streams.first = (sink) => sink.write("x".repeat(30_000_000));
  const cut = await asking(get("/open"));
  await until("it is cut", () => cut.closed);
  expect(streams.left).toBe(2);
});

test("a stream that cannot be opened is cut, and the port goes on", async () => {
  streams.first = () => {
    throw new Error("no");
  };
  const peer = await asking(get("/open"));
  await until("it is cut", () => peer.closed);
  expect(streams.left).toBe(0);
  const other = await asking(get("/ok"));
  await until("it is answered", () => other.received.includes("\r\nok\n"));
});

test("HEAD of a stream gets its head and opens nothing", async () => {
  const peer = await asking(get("/open", "HEAD") + get("/ok"));
  await until("both are answered", () => peer.received.includes("\r\nok\n"));
  expect(String(peer.received).toLowerCase()).toMatch(
    /^http\/1\.1 200 ok\r\n(?!.*(content-length|transfer-encoding))[^]*?content-type: text\/event-stream\r\n[^]*?\r\n\r\nhttp\/1\.1 200/,
  );
  expect(streams.sinks).toEqual([]);
});

test("the gate holds for streams: token, Host and Origin", async () => {
  const ask = async (headers: Record<string, string>, host = "127.0.0.1"): Promise<string> => {
    const fields = Object.entries({ Host: host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    const peer = await asking(`GET /events HTTP/1.1\r\n${fields.join("")}\r\n`);
    await until("it is answered", () => peer.received.length > 0);
    return String(peer.received).slice(9, 12);
  };
  const Authorization = `Bearer ${TOKEN}`;
  expect(await ask({})).toBe("401");
  expect(await ask({ Authorization: "Bearer another-token-of-the-same-length" })).toBe("401");
  expect(await ask({ Authorization, Origin: "http://evil.test" })).toBe("403");
  expect(await ask({ Authorization }, "evil.test")).toBe("421");
  expect(streams.sinks).toEqual([]);
  expect(await ask({ Authorization })).toBe("200");
  await opened(1);
});

test("a stream ends in order when its token is not accepted any more, and stays where it still is", async () => {
  const headers = `GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`;
  const [closed, free] = [await asking(headers), await asking(get("/open"))];
  await opened(2);
  gate.use(TOKEN);
  expect(streams.left).toBe(0);
  gate.use("another-token-of-enough-characters");
  expect(streams.left).toBe(1);
  await until("its end is there", () => closed.received.includes("\r\n0\r\n\r\n"));
  for (const sink of streams.sinks) sink.write("still there");
  await until("the open one goes on", () => free.received.includes("still there"));
  expect(String(closed.received)).not.toContain("still there");
});

test("a request with a body gets its stream, and its connection takes no other request", async () => {
  const body = get("/ok");
  const peer = await asking(get("/open", "GET", `Content-Length: ${body.length}\r\n`) + body);
  await opened(1);
  streams.sinks[0]?.write("one");
  await until("it is there", () => peer.received.includes("one"));
  streams.sinks[0]?.end();
  await until("its socket is closed", () => peer.closed);
  expect(String(peer.received).toLowerCase()).toContain("connection: close\r\n");
  expect(String(peer.received)).not.toContain("ok\n");
});

test("no time-out ends a stream, but its last bytes have ten seconds", async () => {
  const peer = await asking(get("/open"));
  await opened(1);
  clock.advance(3_600_000);
  streams.sinks[0]?.write("still there");
  await until("it is there", () => peer.received.includes("still there"));
  expect(streams.left).toBe(0);

  const sluggard = await asking(get("/open"));
  await opened(2);
  sluggard.socket.pause();
  // Less than may wait, and more than the kernel takes: written until the client's window is full.
  for (let more = 0; more < 200 && streams.left === 0; more += 1) {
    streams.sinks[1]?.write("x".repeat(100_000));
    await sleep(1);
    if (more === 70) streams.sinks[1]?.end();
  }
  await gone(1);
  clock.advance(10_000);
  sluggard.socket.resume();
  await until("its socket is closed", () => sluggard.closed);
});

test("a crowd of other connections does not close the connection of a stream", async () => {
  const peer = await asking(get("/open"));
  await opened(1);
  for (let more = 0; more < 600; more += 1) await asking(more % 2 === 0 ? get("/ok") : "");
  streams.sinks[0]?.write("still there");
  await until("it is there", () => peer.received.includes("still there"));
  streams.sinks[0]?.end();
  for (let more = 0; more < 300; more += 1) await asking("");
  // The server itself closes a connection that asks nothing more after five seconds.
  await until("without its stream it is one of many again", () => peer.closed, 3000);
});

test("a port that closes ends its streams in order, and one that begins meanwhile at once", async () => {
  const [reader, late] = [await asking(get("/open")), await asking(get("/held"))];
  await opened(1);
  await until("the other is asked for", () => held !== undefined);
  streams.sinks[0]?.write("last words");
  streams.first = (sink) => sink.write("first words");
  const closed = admin.close();
  expect(streams.left).toBe(1);
  held?.();
  await closed;
  await until("both are told", () => reader.closed && late.closed);
  expect(String(reader.received)).toMatch(/last words\r\n0\r\n\r\n$/);
  expect(String(late.received)).toMatch(/first words\r\n0\r\n\r\n$/);
  expect(streams.left).toBe(2);
});

test("P6 a slow client is cut, never waited for, and leaves no memory behind; a quick one beside it has all", async () => {
  const chunk = "x".repeat(250_000);
  const counting = async (): Promise<{ socket: Socket; bytes: () => number }> => {
    const socket = connect(admin.port, "127.0.0.1", () => socket.write(get("/open"))).on("error", () => {});
    sockets.push(socket);
    let bytes = 0;
    socket.on("data", (some: Buffer) => (bytes += some.length));
    await once(socket, "data");
    return { socket, bytes: () => bytes };
  };
  const round = async (): Promise<{ written: number; grown: number }> => {
    const before = process.memoryUsage.rss();
    let written = 0;
    for (let watchers = 0; watchers < 30; watchers += 1) {
      const [already, over] = [streams.sinks.length, streams.left];
      const [slow, quick] = [await counting(), await counting()];
      slow.socket.pause();
      const [first, second] = streams.sinks.slice(already);
      let bytes = 0;
      while (streams.left === over) {
        first?.write(chunk);
        second?.write(chunk);
        bytes += chunk.length;
        await until("the quick one has all", () => quick.bytes() >= bytes);
      }
      written = Math.max(written, bytes);
      expect(quick.socket.closed).toBe(false);
      quick.socket.destroy();
      await gone(over + 2);
      // The slow one stays: its client does not even read that it was cut.
    }
    return { written, grown: process.memoryUsage.rss() - before };
  };
  // Beside what may wait for it the kernel takes some megabytes; 30 clients that are waited for would have taken 30 MB more.
  expect(await tooMuchInEachRound({ written: 20_000_000, grown: 25_000_000 }, round)).toEqual({});
});
