import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { LoopShare } from "./loop-share.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a turn of the loop is spent 4 ms after it was asked about first, and the next one is another", async () => {
  const clock = new FakeClock();
  const loop = new LoopShare(clock);
  clock.advance(1000);
  expect(loop.spent).toBe(false);
  clock.advance(3);
  expect(loop.spent).toBe(false);
  clock.advance(1);
  expect(loop.spent).toBe(true);
  await turn();
  expect(loop.spent).toBe(false);
});

test("of those that wait a turn runs as many as it has time for, in order, and one at the least", async () => {
  const clock = new FakeClock();
  const loop = new LoopShare(clock);
  const ran: number[] = [];
  for (const [n, takes] of [1, 1, 2, 30, 1, 1].entries()) {
    loop.next(() => {
      ran.push(n);
      clock.advance(takes);
    });
  }
  expect(ran).toEqual([]);
  const turns: number[][] = [];
  while (ran.length < 6) {
    const before = ran.length;
    await turn();
    turns.push(ran.slice(before));
  }
  expect(turns).toEqual([[0, 1, 2], [3], [4, 5]]);
});

test("however short they are, a turn runs 16 of them", async () => {
  const loop = new LoopShare(new FakeClock());
  let ran = 0;
  for (let n = 0; n < 30; n += 1) loop.next(() => (ran += 1));
  await turn();
  expect(ran).toBe(16);
  await turn();
  expect(ran).toBe(30);
});

test("one that gives way again waits behind the others, and one that throws or is cancelled keeps none waiting", async () => {
  const clock = new FakeClock();
  const loop = new LoopShare(clock);
  const ran: string[] = [];
  const step = (name: string, more: number): void => {
    ran.push(name);
    clock.advance(10);
    if (more > 0) loop.next(() => step(name, more - 1));
  };
  loop.next(() => step("a", 2));
  loop.next(() => ran.push("cancelled")).cancel();
  const thrown: unknown[] = [];
  process.prependOnceListener("uncaughtException", (fault) => thrown.push(fault));
  const others = process.listeners("uncaughtException").slice(1);
  for (const other of others) process.off("uncaughtException", other);
  loop.next(() => {
    throw new Error("of a flow");
  });
  loop.next(() => step("b", 0));
  for (let turns = 0; turns < 8; turns += 1) await turn();
  for (const other of others) process.on("uncaughtException", other);
  expect(thrown).toHaveLength(1);
  expect(ran).toEqual(["a", "b", "a", "a"]);
});
