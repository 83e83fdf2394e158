import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { RawClient, request } from "../../test/fakes/clients.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { admission, waitingRoom } from "../../test/fakes/admission.ts";
import { until } from "../../test/fakes/sockets.ts";
import type { Client } from "../arrival.ts";
import type { BrokenHead } from "./broken-head.ts";
import { Listener } from "./listener.ts";
import { OpenPort } from "./open-port.ts";
import type { Refusal } from "../rejection.ts";
import type { WaitingRoom } from "../waiting/waiting-room.ts";

const open: OpenPort[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const port of open.splice(0)) port.close();
});

interface Opened {
  room: WaitingRoom;
  port: number;
  clock: FakeClock;
  arrived: Client[];
  broken: Refusal[];
  heads: BrokenHead[];
}

async function listen(host = "127.0.0.1", hear: (client: Client) => void = () => {}): Promise<Opened> {
  const clock = new FakeClock();
  const arrived: Client[] = [];
  const broken: Refusal[] = [];
  const heads: BrokenHead[] = [];
  const room = waitingRoom(clock);
  const port = await OpenPort.open({ host, port: 0 }, admission(clock));
  if (!(port instanceof OpenPort)) throw new Error(port);
  open.push(port);
  const listener = new Listener({
    keyPair: undefined,
    room,
    trusts: () => false,
    handshakeTimeout: () => 1000,
    arrived(client) {
      sockets.push(client.socket);
      arrived.push(client);
      hear(client);
    },
    tlsFailed: () => {},
    broken(socket, refusal, head) {
      broken.push(refusal);
      heads.push(head);
      socket.destroy();
    },
  });
  port.leadTo(listener);
  return { room, port: port.number, clock, arrived, broken, heads };
}

test("an upgrade that announces a body comes once, over its own socket, and leaves the waiting room", async () => {
  const { room, port, clock, arrived, broken } = await listen();
  const client = await RawClient.send(port, `${request({ headers: { "Content-Length": "9" } })}abc`);
  await until("it arrived", () => arrived.length === 1);
  expect(arrived[0]?.arrival.peer).toBe("127.0.0.1");
  expect(room.reading).toBe(0);
  client.send(Buffer.from("def"));
  clock.advance(1000);
  const gone = new Promise((resolve) => arrived[0]?.socket.once("close", resolve));
  client.socket.resetAndDestroy();
  await gone;
  expect([arrived.length, broken.length]).toEqual([1, 0]);
});

test("an upgrade comes with all that was sent behind its head, its fields as they were written", async () => {
  const { room, port, arrived } = await listen();
  const client = await RawClient.send(port, `${request({ target: "/ws?x", headers: { "X-Two": ["1", "2"] } })}early`);
  await until("it arrived", () => arrived.length === 1);
  expect(arrived[0]?.early.toString()).toBe("early");
  expect(arrived[0]?.arrival).toMatchObject({
    method: "GET",
    target: "/ws?x",
    httpVersion: "1.1",
    peer: "127.0.0.1",
    encrypted: false,
  });
  expect(arrived[0]?.arrival.rawHeaders.slice(-4)).toEqual(["X-Two", "1", "X-Two", "2"]);
  expect(room.reading).toBe(0);
  client.socket.destroy();
});

test.each([
  ["upgrades", request()],
  ["plain requests", request({ headers: { Connection: null, Upgrade: null } })],
  ["CONNECT", request({ method: "CONNECT", target: "a.test:80" })],
  ["expectations", request({ headers: { Upgrade: null, Expect: "100-continue" } })],
])("of %s each socket brings one, whatever is pipelined behind it", async (_what, bytes) => {
  const { port, arrived, broken } = await listen();
  const client = await RawClient.send(port, bytes.repeat(3) + "\0\0 rubbish\r\n\r\n");
  client.send(Buffer.from(bytes));
  await until("it arrived", () => arrived.length > 0);
  const next = await RawClient.send(port, bytes);
  await until("the next one arrived", () => arrived.length > 1);
  expect(arrived.length).toBe(2);
  expect(broken).toEqual([]);
  expect(client.closed).toBe(false);
  client.socket.destroy();
  next.socket.destroy();
});

test("pipelined plain requests are not read while the first one waits for its answer", async () => {
  const { port, arrived } = await listen();
  const plain = request({ headers: { Connection: null, Upgrade: null } });
  const client = await RawClient.send(port, plain);
  await until("it arrived", () => arrived.length === 1);
  const flood = Buffer.from(plain.repeat(500));
  for (let sent = 0; sent < 16 * 1024 * 1024; sent += flood.length) client.socket.write(flood);
  let before = -1;
  await until("no more is read", async () => {
    const read = arrived[0]?.socket.bytesRead ?? 0;
    const same = read === before;
    before = read;
    await new Promise((resolve) => setTimeout(resolve, 20));
    return same;
  });
  expect(before).toBeLessThan(1024 * 1024);
  client.socket.destroy();
});

test("1,024 silent sockets of one address are read, the rest waits, none is cut; a good one of it gets through", async () => {
  const { room, port, clock, arrived } = await listen();
  const silent = await Promise.all(Array.from({ length: 1100 }, () => RawClient.open(port)));
  await until("those too many wait", () => room.reading === 1024 && room.unread === 76);
  const good = await RawClient.send(port, request());
  await until("it waits too", () => room.unread === 77);
  clock.advance(250); // they were read for long enough: the others have their turn
  await until("it arrived", () => arrived.length === 1);
  expect(silent.filter(({ closed, ended }) => closed || ended).length).toBe(0);
  for (const { socket } of [...silent, good]) socket.destroy();
  clock.advance(250);
  await until("none is left", () => {
    clock.advance(50);
    return room.reading === 0 && room.unread === 0;
  });
});

test("what a client sent while its socket waited is read in its turn, byte for byte", async () => {
  const { room, port, clock, arrived } = await listen();
  const silent = await Promise.all(Array.from({ length: 1024 }, () => RawClient.open(port)));
  await until("they are read", () => room.reading === 1024);
  const early = await RawClient.send(port, `${request({ target: "/early" })}more`);
  await until("it waits", () => room.unread === 1);
  clock.advance(250);
  await until("it arrived", () => arrived.length === 1);
  expect([arrived[0]?.arrival.target, arrived[0]?.early.toString()]).toEqual(["/early", "more"]);
  for (const { socket } of [...silent, early]) socket.destroy();
});

test("a client that sends nothing is overdue when its time is over, by the clock", async () => {
  const { room, port, clock, broken } = await listen();
  const client = await RawClient.open(port);
  await until("it waits", () => room.reading === 1);
  clock.advance(999);
  expect(broken).toEqual([]);
  clock.advance(1);
  expect(broken).toEqual([{ reason: "HandshakeTimeout" }]);
  await until("it is closed", () => client.ended || client.closed);
  client.socket.destroy();
});

describe.each([
  ["::1", "::1", "::1"],
  ["::", "127.0.0.1", "127.0.0.1"],
])("on %s for a client of %s", (host, address, canonical) => {
  test("the peer is told as it is, mapped or not", async () => {
    const { port, arrived } = await listen(host);
    const client = await RawClient.open(port, address);
    client.socket.write(request());
    await until("it arrived", () => arrived.length === 1);
    expect(arrived[0]?.arrival.peer.replace(/^::ffff:/, "")).toBe(canonical);
    client.socket.destroy();
  });
});

describe("of a head that comes in parts", () => {
  const begun = async ({ room, port }: Opened, first: string): Promise<RawClient> => {
    const client = await RawClient.send(port, first);
    await until("its first bytes are read", () => [...room.entries].some((entry) => entry.begun));
    return client;
  };

  test("the first one is read where a later one is malformed, and nothing of the later one", async () => {
    const opened = await listen();
    const client = await begun(opened, "GET /chat?x HTTP/1.1\r\nHost: a.test\r\nX-Long: ");
    client.send(Buffer.from("GET /other HTTP/1.1\r\nHost: b.test\r\nno header\r\n\r\n"));
    await until("it is refused", () => opened.broken.length === 1);
    expect(opened.heads).toEqual([{ target: "/chat?x", authority: "a.test" }]);
  });

  test("a malformed first one is read to its end", async () => {
    const opened = await listen();
    await RawClient.send(opened.port, `GET /chat?${"x".repeat(2000)} HTTP/1.1\r\nHost: a.test\r\nno header\r\n`);
    await until("it is refused", () => opened.broken.length === 1);
    expect(opened.heads).toEqual([{ target: `/chat?${"x".repeat(2000)}`, authority: "a.test" }]);
  });

  test("1 KiB is kept while it waits, and none of it once the head is complete", async () => {
    const opened = await listen();
    const client = await begun(opened, `GET /chat HTTP/1.1\r\nHost: a.test\r\nX-Long: ${"x".repeat(2000)}`);
    const [entry] = opened.room.entries;
    expect(entry?.beginning?.buffer.byteLength).toBe(1024);
    client.send(Buffer.from("\r\n\r\n"));
    await until("it arrived", () => opened.arrived.length === 1);
    expect(entry?.beginning).toBeUndefined();
  });
});
