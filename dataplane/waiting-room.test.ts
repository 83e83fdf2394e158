import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { FakeClock } from "../test/fakes/clock.ts";
import { silentLog } from "../test/fakes/log.ts";
import { Evictions } from "./evictions.ts";
import { Metrics } from "./metrics.ts";
import type { Host } from "./newcomer.ts";
import { Places } from "./places.ts";
import { WaitingRoom } from "./waiting-room.ts";

/** Of a socket, what the room looks at. */
class Visitor extends EventEmitter {
  destroyed = false;
  reading = false;
  readonly said: Buffer[] = [];
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly localAddress = "192.0.2.80";
  readonly localPort = 8080;

  constructor(address: string | undefined, port: number | undefined) {
    super();
    this.remoteAddress = address;
    this.remotePort = port;
  }

  /** The client sends something, and the socket is read. */
  say(text: string): void {
    if (!this.reading) throw new Error("not read");
    this.emit("data", Buffer.from(text));
  }

  pause(): void {
    this.reading = false;
  }

  resume(): void {
    this.reading = true;
  }

  unshift(chunk: Buffer): void {
    this.said.unshift(chunk);
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit("close");
  }
}

type Both = Visitor & Socket;
let ports = 0;
const visitor = (address: string | undefined = "192.0.2.1", port: number | undefined = (ports += 1)): Both =>
  new Visitor(address, port) as unknown as Both;

class Bench {
  readonly clock = new FakeClock();
  readonly metrics = new Metrics();
  readonly spoke: Socket[] = [];
  readonly late: Socket[] = [];
  readonly trusted = new Set<string>();
  readonly room: WaitingRoom;
  readonly host: Host;

  constructor(timeout = 1000) {
    this.room = new WaitingRoom(this.clock, new Evictions(this.clock, silentLog, this.metrics.process));
    this.host = {
      trusts: (address) => this.trusted.has(address),
      timeout: () => timeout,
      spoke: (socket) => this.spoke.push(socket),
      late: (socket) => this.late.push(socket),
    };
  }

  /** So many from these addresses, in this order. */
  enter(count: number, address: (n: number) => string = () => "192.0.2.1"): Both[] {
    const visitors = Array.from({ length: count }, (_, n) => visitor(address(n)));
    for (const socket of visitors) this.room.enter(socket, this.host);
    return visitors;
  }

  get counts(): { reading: number; unread: number } {
    return { reading: this.room.reading, unread: this.room.unread };
  }

  async evicted(): Promise<number> {
    const [metric] = (await this.metrics.registry.getMetricsAsJSON()).filter(
      ({ name }) => name === "wsproxy_evicted_sockets_total",
    );
    return (metric?.values ?? []).reduce((sum, { value }) => sum + value, 0);
  }
}

/** So many turns of the event loop. */
async function turns(count = 100): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

const isRead = (visitors: readonly Both[]): number => visitors.filter(({ reading }) => reading).length;
const manyAddresses = (n: number): string => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;

test("a socket without a complete head is late when its time is over, once; one that left or closed is not", () => {
  const it = new Bench();
  const [slow, quick, closed] = it.enter(3) as [Both, Both, Both];
  expect(it.counts).toEqual({ reading: 3, unread: 0 });
  let answered = 0;
  it.room.complete(quick, () => (answered += 1));
  closed.destroy();
  it.clock.advance(999);
  expect(it.late).toEqual([]);
  it.clock.advance(1);
  expect([it.late, answered]).toEqual([[slow], 1]);
  expect([it.counts, it.clock.pending]).toEqual([{ reading: 0, unread: 0 }, 0]);
});

test("what a client sends first is given again to the listener, and the time for the rest of its head runs on", () => {
  const it = new Bench();
  const [socket] = it.enter(1) as [Both];
  it.clock.advance(600);
  socket.say("GET / ");
  expect([it.spoke, socket.said.map(String), socket.reading]).toEqual([[socket], ["GET / "], false]);
  it.clock.advance(399);
  expect(it.late).toEqual([]);
  it.clock.advance(1);
  expect(it.late).toEqual([socket]);
});

test("a client that hangs up without a word is let go at once", () => {
  const it = new Bench();
  const [socket] = it.enter(1) as [Both];
  socket.emit("end");
  expect([socket.destroyed, it.counts.reading, it.clock.pending]).toEqual([true, 0, 0]);
});

test("once a TLS handshake is done, the TLS socket is the one that is late or leaves", () => {
  const it = new Bench();
  const tls = visitor("192.0.2.1", 100_007);
  it.room.enter(visitor("192.0.2.1", 100_007), it.host);
  it.room.secured(tls);
  it.clock.advance(1000);
  expect(it.late).toEqual([tls]);
  const other = visitor("192.0.2.1", 100_008);
  it.room.enter(visitor("192.0.2.1", 100_008), it.host);
  it.room.secured(other);
  it.room.complete(other, () => {});
  expect(it.counts.reading).toBe(0);
});

test("a source port that is used again does not take the newer socket out with the older one", () => {
  const it = new Bench();
  const [older, newer] = [visitor("192.0.2.1", 100_009), visitor("192.0.2.1", 100_009)];
  it.room.enter(older, it.host);
  it.clock.advance(500);
  it.room.enter(newer, it.host); // accepted before the reset of the older one was read
  older.destroy();
  expect(it.counts.reading).toBe(1);
  it.clock.advance(1000);
  expect(it.late).toEqual([newer]);
});

test("sockets of which nothing is known any more are told apart all the same", () => {
  const it = new Bench();
  const gone = [visitor("", undefined), visitor("", undefined)] as [Both, Both];
  for (const socket of gone) it.room.enter(socket, it.host);
  gone[0].destroy();
  it.clock.advance(1000);
  expect(it.late).toEqual([gone[1]]);
});

test.each<[string, (n: number) => string]>([
  ["an IPv4 address", () => "192.0.2.1"],
  ["the same address, mapped or not", (n) => (n % 2 === 0 ? "192.0.2.1" : "::ffff:192.0.2.1")],
  ["an IPv6 /64", (n) => `2001:db8:0:1::${(n + 1).toString(16)}`],
])(
  "of %s 1,024 are read; the rest waits unread, its time not begun, and nobody else behind it",
  async (_what, address) => {
    const it = new Bench();
    const many = it.enter(1500, address);
    await turns();
    expect(it.counts).toEqual({ reading: 1024, unread: 476 });
    expect([isRead(many), it.clock.pending]).toEqual([1024, 1025]); // one looks after the line
    const [other] = it.enter(1, () => "198.51.100.1") as [Both];
    await turns(2);
    expect(other.reading).toBe(true);
    expect(many.some(({ destroyed }) => destroyed)).toBe(false);
  },
);

test("one place is free, and the next in the line is read", async () => {
  const it = new Bench();
  const many = it.enter(1030);
  await turns();
  expect(many[1024]?.reading).toBe(false);
  many[3]?.destroy();
  await turns(3);
  expect([many[1024]?.reading, many[1025]?.reading]).toEqual([true, false]);
});

test("a socket that closes while it waits leaves the line", async () => {
  const it = new Bench();
  const many = it.enter(1030);
  await turns();
  many[1025]?.destroy();
  expect(it.counts).toEqual({ reading: 1024, unread: 5 });
});

test("4,096 are read in all; of many greedy addresses each has as many, and some places stay free", async () => {
  const it = new Bench();
  const greedy = it.enter(8000, (n) => manyAddresses(n % 10));
  await turns();
  expect(it.counts.reading).toBeLessThan(4096 - 500);
  const ofEach = Array.from({ length: 10 }, (_, k) => isRead(greedy.filter((_socket, n) => n % 10 === k)));
  expect(Math.max(...ofEach) - Math.min(...ofEach)).toBeLessThanOrEqual(1);
  it.enter(8000, (n) => manyAddresses(100 + n));
  await turns();
  expect(it.counts.reading).toBe(4096);
});

test("an address with thousands in the line delays the others by one at a time", async () => {
  const it = new Bench();
  it.trusted.add("192.0.2.9");
  const first = it.enter(4096, () => "192.0.2.9");
  await turns();
  first.forEach((socket) => socket.say("G")); // every place is taken for good
  const crowd = it.enter(2000, () => "198.51.100.1");
  const others = it.enter(20, manyAddresses);
  await turns();
  expect(it.counts).toEqual({ reading: 4096, unread: 2020 });
  for (const socket of first.slice(0, 24)) {
    socket.destroy();
    await turns(3);
  }
  expect(isRead(others)).toBe(20);
  expect(isRead(crowd)).toBeGreaterThan(0);
});

test("a trusted proxy has as many places as there are, and each of its sockets its own turn", async () => {
  const it = new Bench();
  it.trusted.add("192.0.2.9");
  const many = it.enter(5000, () => "192.0.2.9");
  await turns();
  expect([it.counts.reading, isRead(many.slice(0, 4096))]).toEqual([4096, 4096]);
});

test("sockets that were read for a while and sent nothing are read in turn with those that wait, and none is closed", async () => {
  const it = new Bench(10_000);
  const many = it.enter(1100);
  await turns();
  const heard = new Set<Both>();
  const hear = (): void => many.filter(({ reading }) => reading).forEach((socket) => heard.add(socket));
  hear();
  for (let ms = 0; ms < 1000 && heard.size < 1100; ms += 50) {
    it.clock.advance(50);
    await turns();
    hear();
  }
  expect([heard.size, it.counts, await it.evicted()]).toEqual([1100, { reading: 1024, unread: 76 }, 0]);
  expect(many.some(({ destroyed }) => destroyed)).toBe(false);
});

test("a socket that has sent a part of its head keeps its place until its time is over", async () => {
  const it = new Bench(10_000);
  const many = it.enter(1100);
  await turns();
  for (const socket of many.filter(({ reading }) => reading)) socket.say("G");
  await turns();
  it.clock.advance(5000);
  await turns();
  expect(isRead(many)).toBe(0); // the listener has those that spoke, and the others still wait
  expect([it.spoke.length, it.counts]).toEqual([1024, { reading: 1024, unread: 76 }]);
  it.clock.advance(5000);
  await turns();
  expect([it.late.length, it.counts]).toEqual([1024, { reading: 76, unread: 0 }]);
});

test("the time of a socket that waits again stands still", async () => {
  const it = new Bench(1000);
  const many = it.enter(1030);
  await turns();
  it.clock.advance(200);
  await turns();
  const [back] = many as [Both];
  expect(back.reading).toBe(false);
  many.forEach((socket) => socket.reading && socket.say("GET"));
  await turns();
  expect(it.counts).toEqual({ reading: 1024, unread: 6 });
  it.clock.advance(800);
  await turns();
  expect(it.late).not.toContain(back);
  expect(back.reading).toBe(true);
  it.clock.advance(799);
  expect(it.late).not.toContain(back);
  it.clock.advance(1);
  await turns(2);
  expect(it.late).toContain(back);
});

test("evicted is the one that was read for longest; none before a whole poll, and none that has spoken", async () => {
  const it = new Bench();
  const [first, second, third] = it.enter(3) as [Both, Both, Both];
  expect(it.room.evict()).toBeUndefined();
  await turns(1);
  expect(it.room.evict()).toBeUndefined();
  await turns(2);
  first.say("G");
  expect([it.room.evict(), it.room.evict(), it.room.evict()]).toEqual([second, third, undefined]);
  expect([it.counts.reading, await it.evicted()]).toEqual([1, 2]);
});

test("where none was silent, evicted are the last ones of an address with a crowd in the line, and of no other", async () => {
  const it = new Bench(10_000);
  const crowd = it.enter(1024 + 70);
  await turns();
  crowd.forEach((socket) => socket.reading && socket.say("G"));
  await turns();
  const few = it.enter(2, () => "198.51.100.1");
  await turns(1);
  expect([it.room.evict(), it.room.evict()]).toEqual([crowd[1093], crowd[1092]]);
  for (let n = 0; n < 5; n += 1) it.room.evict();
  expect(it.room.evict()).toBeUndefined();
  expect(it.counts).toEqual({ reading: 1026, unread: 63 });
  expect(few.every(({ reading }) => reading)).toBe(true);
});

test("when the process stops, all that wait are read once; then the silent ones are closed", async () => {
  const it = new Bench(10_000);
  const many = it.enter(1100);
  await turns();
  const drained = it.room.drain(new AbortController().signal);
  for (let ms = 0; ms < 1000; ms += 50) {
    many.slice(1024).forEach((socket) => socket.reading && !it.spoke.includes(socket) && socket.say("GET"));
    it.spoke.forEach((socket) => it.room.complete(socket, () => {}));
    it.clock.advance(50);
    await turns();
  }
  await drained;
  it.clock.advance(2000); // the log of evictions rests
  expect(it.spoke.length).toBe(76);
  expect(many.slice(0, 1024).every(({ destroyed }) => destroyed)).toBe(true);
  expect([await it.evicted(), it.counts, it.clock.pending]).toEqual([1024, { reading: 0, unread: 0 }, 0]);
});

test("when the process stops, a socket whose head stays incomplete is closed after 5 s", async () => {
  const it = new Bench(10_000);
  const [socket] = it.enter(1) as [Both];
  await turns();
  socket.say("GET");
  await turns();
  const drained = it.room.drain(new AbortController().signal);
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 20) {
      it.clock.advance(20);
      await turns(2);
    }
  };
  await pass(4980);
  expect([socket.destroyed, it.counts.reading]).toEqual([false, 1]);
  await pass(20);
  await drained;
  expect([socket.destroyed, await it.evicted()]).toEqual([true, 1]);
});

test("of thousands of addresses without a place one turn of the loop passes over 256, and the next one goes on behind them", async () => {
  const it = new Bench();
  it.trusted.add("192.0.2.9");
  const all = it.enter(4096, () => "192.0.2.9");
  await turns();
  all.forEach((socket) => socket.say("G")); // every place is taken for good
  await turns();
  it.enter(2000, manyAddresses);
  await turns();
  const asked = vi.spyOn(Places.prototype, "has");
  onTestFinished(() => asked.mockRestore());
  it.clock.advance(50);
  const perTurn: number[] = [];
  for (let turn = 0; turn < 10; turn += 1) {
    perTurn.push(asked.mock.calls.length);
    asked.mockClear();
    await turns(1);
  }
  expect(perTurn.slice(0, 8)).toEqual([256, 256, 256, 256, 256, 256, 256, 208]);
  expect(perTurn.slice(8)).toEqual([0, 0]);
});

test("no more of them are begun, heard or told that they are late in one turn of the loop than it has time for", async () => {
  const it = new Bench();
  it.trusted.add("192.0.2.9");
  const many = it.enter(2000, () => "192.0.2.9");
  expect(it.counts.reading).toBe(128);
  await turns();
  many.forEach((socket) => socket.say("GET"));
  expect(it.spoke.length).toBeLessThanOrEqual(64);
  await turns(200);
  expect(it.spoke.length).toBe(2000);
  it.clock.advance(1000);
  expect(it.late.length).toBeLessThanOrEqual(64);
  await turns(200);
  expect(it.late.length).toBe(2000);
});
