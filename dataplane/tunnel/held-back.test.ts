import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import type { ByteSource } from "./byte-source.ts";
import { HeldBack } from "./held-back.ts";
import { LoopShare } from "../../runtime/loop/loop-share.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function bench(ahead = 0) {
  const clock = new FakeClock();
  const loop = new LoopShare(clock);
  const did: string[] = [];
  const source: ByteSource = {
    ...{ socket: undefined as unknown as Socket, ahead, to: () => {}, resume: () => {} },
    pause: () => void did.push("pause"),
  };
  let counted = 0;
  const counter = { holding: (bytes: number) => void (counted = bytes) };
  const held = new HeldBack(source, clock, loop, counter, () => void did.push("over"));
  return { clock, loop, held, did, counted: () => counted };
}

test("what waits is a copy, in memory that is counted, and so is what its source reads all the same", () => {
  const { held, counted } = bench(100);
  const read = Buffer.from("abc");
  held.pause(50, read);
  read.fill(0);
  held.add(Buffer.from("def"));
  expect(counted()).toBe(106);
  expect(held.take()?.toString()).toBe("abcdef");
  expect(counted()).toBe(100);
});

test("what is given back is kept as it is while it is most of its memory, and as a copy of its own below", () => {
  const { held, counted } = bench();
  held.add(Buffer.alloc(1000, 1));
  const first = held.take();
  held.pause(1, first?.subarray(400));
  const second = held.take();
  expect(second?.buffer).toBe(first?.buffer);
  held.pause(1, second?.subarray(50));
  expect(counted()).toBe(1000); // all of it stays
  const third = held.take();
  expect(third).toHaveLength(550);
  held.pause(1, third?.subarray(300));
  expect(counted()).toBe(250);
  const fourth = held.take();
  expect(fourth?.buffer).not.toBe(first?.buffer);
  expect(fourth).toEqual(Buffer.alloc(250, 1));
});

test("a large read gives way to others where the turn of the loop is spent, a small one does not", async () => {
  const { clock, loop, held, did } = bench();
  expect(loop.spent).toBe(false);
  held.haveRead(65_536);
  clock.advance(10);
  held.haveRead(16_383);
  expect(did).toEqual([]);
  held.haveRead(16_384);
  expect(did).toEqual(["pause"]);
  expect(held.pausing).toBe(true);
  await turn();
  expect(did).toEqual(["pause", "over"]);
  expect(held.pausing).toBe(false);
});

test("a source that waits for a limit does not wait for its turn of the loop too", async () => {
  const { clock, loop, held, did } = bench();
  expect(loop.spent).toBe(false);
  clock.advance(10);
  held.pause(50);
  held.haveRead(65_536);
  await turn();
  expect(did).toEqual(["pause"]);
  clock.advance(50);
  expect(did).toEqual(["pause", "over"]);
});
