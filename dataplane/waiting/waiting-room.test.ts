import { expect, test } from "vitest";
import { isRead, manyAddresses, turns, visitor, WaitingBench, type Both } from "../../test/fakes/waiting.ts";

test("a socket without a complete head is overdue when its time is over, once; one that left or closed is not", () => {
  const it = new WaitingBench();
  const [slow, quick, closed] = it.enter(3) as [Both, Both, Both];
  expect(it.counts).toEqual({ reading: 3, unread: 0 });
  let answered = 0;
  it.room.complete(quick, () => (answered += 1));
  closed.destroy();
  it.clock.advance(999);
  expect(it.overdue).toEqual([]);
  it.clock.advance(1);
  expect([it.overdue, answered]).toEqual([[slow], 1]);
  expect([it.counts, it.clock.pending]).toEqual([{ reading: 0, unread: 0 }, 0]);
});

test("what a client sends first is given again to the listener, and the time for the rest of its head runs on", () => {
  const it = new WaitingBench();
  const [socket] = it.enter(1) as [Both];
  it.clock.advance(600);
  socket.say("GET / ");
  expect([it.spoke, socket.said.map(String), socket.reading]).toEqual([[socket], ["GET / "], false]);
  it.clock.advance(399);
  expect(it.overdue).toEqual([]);
  it.clock.advance(1);
  expect(it.overdue).toEqual([socket]);
});

test("a client that hangs up before it sent a byte is forgotten at once", () => {
  const it = new WaitingBench();
  const [socket] = it.enter(1) as [Both];
  socket.emit("end");
  expect([socket.destroyed, it.counts.reading, it.clock.pending]).toEqual([true, 0, 0]);
});

test("once a TLS handshake is done, the TLS socket is the one that is overdue or leaves", () => {
  const it = new WaitingBench();
  const tls = visitor("192.0.2.1", 100_007);
  it.room.enter(visitor("192.0.2.1", 100_007), it.host);
  it.room.secured(tls);
  it.clock.advance(1000);
  expect(it.overdue).toEqual([tls]);
  const other = visitor("192.0.2.1", 100_008);
  it.room.enter(visitor("192.0.2.1", 100_008), it.host);
  it.room.secured(other);
  it.room.complete(other, () => {});
  expect(it.counts.reading).toBe(0);
});

test("a source port that is used again does not take the newer socket out with the older one", () => {
  const it = new WaitingBench();
  const [older, newer] = [visitor("192.0.2.1", 100_009), visitor("192.0.2.1", 100_009)];
  it.room.enter(older, it.host);
  it.clock.advance(500);
  it.room.enter(newer, it.host); // accepted before the reset of the older one was read
  older.destroy();
  expect(it.counts.reading).toBe(1);
  it.clock.advance(1000);
  expect(it.overdue).toEqual([newer]);
});

test("two sockets whose address is no longer known are two entries", () => {
  const it = new WaitingBench();
  const gone = [visitor("", undefined), visitor("", undefined)] as [Both, Both];
  for (const socket of gone) it.room.enter(socket, it.host);
  gone[0].destroy();
  it.clock.advance(1000);
  expect(it.overdue).toEqual([gone[1]]);
});

test.each<[string, (n: number) => string]>([
  ["an IPv4 address", () => "192.0.2.1"],
  ["the same address, mapped or not", (n) => (n % 2 === 0 ? "192.0.2.1" : "::ffff:192.0.2.1")],
  ["an IPv6 /64", (n) => `2001:db8:0:1::${(n + 1).toString(16)}`],
])(
  "of %s 1,024 are read; the rest waits unread, its time not begun, and keeps no other address waiting",
  async (_what, address) => {
    const it = new WaitingBench();
    const many = it.enter(1500, address);
    await turns();
    expect(it.counts).toEqual({ reading: 1024, unread: 476 });
    expect([isRead(many), it.clock.pending]).toEqual([1024, 1025]); // one timer is the line's
    const [other] = it.enter(1, () => "198.51.100.1") as [Both];
    await turns(2);
    expect(other.reading).toBe(true);
    expect(many.some(({ destroyed }) => destroyed)).toBe(false);
  },
);

test("when a slot is free the next socket in the line is read", async () => {
  const it = new WaitingBench();
  const many = it.enter(1030);
  await turns();
  expect(many[1024]?.reading).toBe(false);
  many[3]?.destroy();
  await turns(3);
  expect([many[1024]?.reading, many[1025]?.reading]).toEqual([true, false]);
});

test("a socket that closes while it waits leaves the line", async () => {
  const it = new WaitingBench();
  const many = it.enter(1030);
  await turns();
  many[1025]?.destroy();
  expect(it.counts).toEqual({ reading: 1024, unread: 5 });
});

test("4,096 are read in all; of many greedy addresses each has as many, and some slots stay free", async () => {
  const it = new WaitingBench();
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
  const it = new WaitingBench();
  it.trusted.add("192.0.2.9");
  const first = it.enter(4096, () => "192.0.2.9");
  await turns();
  first.forEach((socket) => socket.say("G")); // every slot is taken for good
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

test("a trusted proxy has as many slots as there are, and each of its sockets its own turn", async () => {
  const it = new WaitingBench();
  it.trusted.add("192.0.2.9");
  const many = it.enter(5000, () => "192.0.2.9");
  await turns();
  expect([it.counts.reading, isRead(many.slice(0, 4096))]).toEqual([4096, 4096]);
});
