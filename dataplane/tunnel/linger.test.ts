import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { Linger } from "./linger.ts";

const PATIENCE = 30_000;
const HANG_UP = 2000;

function bench(...waiting: number[]) {
  const clock = new FakeClock();
  const receivers = waiting.map((bytes) => ({
    writableLength: bytes,
    destroyed: false,
    _handle: { bytesWritten: bytes, writeQueueSize: bytes },
  }));
  let over = 0;
  const linger = new Linger(clock, () => (over += 1));
  const behind = (): void => linger.behind(receivers as unknown as Socket[], HANG_UP, PATIENCE);
  /** The kernel takes so much of what waits for one of them. */
  const take = (bytes: number, at = 0): void => {
    const receiver = receivers[at];
    if (receiver === undefined) return;
    receiver._handle.writeQueueSize -= bytes;
    if (receiver._handle.writeQueueSize === 0) receiver.writableLength = 0;
  };
  return { clock, receivers, linger, behind, take, over: () => over };
}

test("a receiver that has taken everything has the time that was given, and no more", () => {
  const { clock, behind, take, over } = bench(1_000_000);
  behind();
  clock.advance(5000);
  take(1_000_000);
  clock.advance(250 + HANG_UP - 1);
  expect(over()).toBe(0);
  clock.advance(1);
  expect(over()).toBe(1);
});

test.each([
  [0, false],
  [1, false],
  [99_999, false],
  [100_000, true],
])("a receiver that takes %d of 1,000,000 bytes within each time-out is waited for: %s", (each, waits) => {
  const { clock, behind, take, over } = bench(1_000_000);
  behind();
  for (let time = 0; time < 3; time += 1) {
    take(each);
    clock.advance(PATIENCE);
  }
  expect(over()).toBe(waits ? 0 : 1);
});

test("of two receivers one that takes nothing is enough, however fast the other is", () => {
  const { clock, behind, take, over } = bench(1_000_000, 1_000_000);
  behind();
  for (let time = 0; time < 29; time += 1) {
    take(30_000);
    clock.advance(1000);
  }
  expect(over()).toBe(0);
  clock.advance(1000);
  expect(over()).toBe(1);
});

test("a receiver that is gone is waited for no more", () => {
  const { clock, receivers, behind, over } = bench(1_000_000);
  behind();
  for (const receiver of receivers) receiver.destroyed = true;
  clock.advance(250 + HANG_UP);
  expect(over()).toBe(1);
});

test("a receiver is waited for ten time-outs at most, however often new bytes wait for it", () => {
  const { clock, behind, over } = bench(1_000_000);
  for (let time = 0; time < 10; time += 1) {
    behind();
    clock.advance(PATIENCE - 1000);
    expect(over()).toBe(0);
  }
  behind();
  clock.advance(10_000);
  expect(over()).toBe(1);
  expect(clock.pending).toBe(0);
});

test("once a fixed time is set nothing else changes it", () => {
  const { clock, linger, behind, over } = bench(1_000_000);
  linger.for(HANG_UP);
  behind();
  linger.for(10 * HANG_UP);
  clock.advance(HANG_UP);
  expect(over()).toBe(1);
});
