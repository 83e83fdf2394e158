import { Socket } from "node:net";
import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { silentLog } from "../../test/fakes/log.ts";
import { Descriptors, descriptorsForSockets } from "./descriptors.ts";

const closed = (socket: Socket): void => void socket.emit("close");

test.each([
  [1_048_576, 30, 1_047_514],
  [20_000, 30, 18_938],
  [1024, 30, 858],
  [200, 30, 137],
  [40, 36, 8],
])("of a limit of %d with %d open, %d are for sockets", (limit, open, most) => {
  expect(descriptorsForSockets({ limit, open })).toBe(most);
});

test("sockets of clients count until they are closed, in whatever object they are then", () => {
  const it = new Descriptors(100, new FakeClock(), silentLog);
  const [plain, shell, moved] = [new Socket(), new Socket(), new Socket()];
  expect([it.admit(plain), it.admit(shell)]).toEqual([true, true]);
  shell.emit("moved", shell, moved);
  closed(shell);
  expect(it.used).toBe(2);
  closed(moved);
  expect(it.used).toBe(1);
  closed(plain);
  expect(it.used).toBe(0);
});

test("a dial counts once until it is released, however often it is released", () => {
  const it = new Descriptors(100, new FakeClock(), silentLog);
  const [one, other] = [it.dial(), it.dial()];
  one();
  one();
  expect(it.used).toBe(1);
  other();
  expect(it.used).toBe(0);
});

test("near the limit handshakes are refused, with a log line once a second; at the limit sockets are not accepted", () => {
  const clock = new FakeClock();
  const lines: unknown[] = [];
  const it = new Descriptors(80, clock, { ...silentLog, warn: (fields) => lines.push(fields) });
  expect(it.sessions).toBe(35);
  for (let n = 0; n < 70; n += 1) it.admit(new Socket());
  expect(it.shortage()).toBeUndefined();
  for (let n = 0; n < 10; n += 1) expect(it.admit(new Socket())).toBe(true);
  for (let n = 0; n < 5; n += 1) expect(it.shortage()).toMatchObject({ reason: "Overloaded", retryAfter: 5 });
  expect(it.admit(new Socket())).toBe(false);
  expect(it.used).toBe(80);
  clock.advance(1000);
  expect(lines).toEqual([
    { handshakes: 1, used: 80, limit: 80 },
    { handshakes: 4, used: 80, limit: 80 },
  ]);
});

test("where a socket can be given up for another, it is closed, and the other has its descriptor", () => {
  const it = new Descriptors(8, new FakeClock(), silentLog);
  const silent = Array.from({ length: 8 }, () => new Socket());
  const candidates = [...silent].slice(0, 2);
  it.relievedBy(() => candidates.shift());
  for (const socket of silent) expect(it.admit(socket)).toBe(true);
  expect(it.admit(new Socket())).toBe(true);
  expect([silent[0]?.destroyed, silent[1]?.destroyed, it.used]).toEqual([true, false, 8]);
  expect(it.shortage()).toBeUndefined(); // a handshake needs one too
  expect([silent[1]?.destroyed, it.used]).toEqual([true, 7]);
  expect(it.shortage()).toBeUndefined();
  expect(it.admit(new Socket())).toBe(true);
  expect(it.admit(new Socket())).toBe(false);
});
