import { expect, onTestFinished, test, vi } from "vitest";
import { isRead, manyAddresses, turns, WaitingBench, type Both } from "../../test/fakes/waiting.ts";
import { ReadingSlots } from "./reading-slots.ts";

test("sockets that were read for a while and sent nothing are read in turn with those that wait, and none is closed", async () => {
  const it = new WaitingBench(10_000);
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

test("a socket that has sent a part of its head keeps its slot until its time is over", async () => {
  const it = new WaitingBench(10_000);
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
  expect([it.overdue.length, it.counts]).toEqual([1024, { reading: 76, unread: 0 }]);
});

test("the time of a socket that waits again stands still", async () => {
  const it = new WaitingBench(1000);
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
  expect(it.overdue).not.toContain(back);
  expect(back.reading).toBe(true);
  it.clock.advance(799);
  expect(it.overdue).not.toContain(back);
  it.clock.advance(1);
  await turns(2);
  expect(it.overdue).toContain(back);
});

test("of TLS handshakes 256 are under way; the others wait with their hello read, their time standing still", async () => {
  const it = new WaitingBench(10_000, true);
  const many = it.enter(1000, (n) => manyAddresses(n % 100));
  await turns();
  many.forEach((socket) => socket.say("hello"));
  await turns();
  expect(it.spoke.length).toBe(256);
  for (let done = 0; done < 1000; done += 50) {
    it.clock.advance(600);
    for (const socket of it.spoke.slice(done, done + 50)) it.room.complete(socket, () => {});
    await turns();
  }
  // 50 at a time, 600 ms each: the last ones took longer than the 10 s that each has.
  expect([it.spoke.length, it.overdue]).toEqual([1000, []]);
});

test("TLS handshakes that hang do not keep others from theirs", async () => {
  const it = new WaitingBench(10_000, true);
  const hanging = it.enter(3000, (n) => manyAddresses(n % 10));
  await turns();
  hanging.forEach((socket) => socket.reading && socket.say("hello"));
  const honest = it.enter(1000, (n) => manyAddresses(1000 + (n % 200)));
  await turns();
  honest.forEach((socket) => socket.say("hello"));
  let seen = 0;
  let begun = 0;
  let ms = 0;
  for (; begun < 1000 && ms < 20_000; ms += 50) {
    await turns(20);
    for (; seen < it.spoke.length; seen += 1) {
      const socket = it.spoke[seen] as Both;
      if (!honest.includes(socket)) continue;
      begun += 1;
      it.room.complete(socket, () => {});
    }
    it.clock.advance(50);
  }
  expect(begun).toBe(1000);
  expect(ms).toBeLessThan(4000);
});

test("evicted is the silent socket that was read for longest; none before a whole poll, and none that has sent bytes", async () => {
  const it = new WaitingBench();
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
  const it = new WaitingBench(10_000);
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

test("when the process stops, all waiting sockets are read once; then the silent ones are closed", async () => {
  const it = new WaitingBench(10_000);
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

test("one turn of the loop begins, hears or times out only as many sockets as it has time for", async () => {
  const it = new WaitingBench();
  it.trusted.add("192.0.2.9");
  const many = it.enter(2000, () => "192.0.2.9");
  expect(it.counts.reading).toBe(128);
  await turns();
  many.forEach((socket) => socket.say("GET"));
  expect(it.spoke.length).toBeLessThanOrEqual(64);
  await turns(200);
  expect(it.spoke.length).toBe(2000);
  it.clock.advance(1000);
  expect(it.overdue.length).toBeLessThanOrEqual(64);
  await turns(200);
  expect(it.overdue.length).toBe(2000);
});

test("when the process stops, a socket whose head stays incomplete is closed after 5 s", async () => {
  const it = new WaitingBench(10_000);
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

test("of thousands of addresses without a slot one turn of the loop passes over 256, and the next one goes on behind them", async () => {
  const it = new WaitingBench();
  it.trusted.add("192.0.2.9");
  const all = it.enter(4096, () => "192.0.2.9");
  await turns();
  all.forEach((socket) => socket.say("G")); // every slot is taken for good
  await turns();
  it.enter(2000, manyAddresses);
  await turns();
  const asked = vi.spyOn(ReadingSlots.prototype, "has");
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
