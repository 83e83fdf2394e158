import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { EventReader } from "../../test/fakes/event-reader.ts";
import type { FrameSeen } from "./direction-tap.ts";
import { SeenFrames } from "./seen-frames.ts";

function bench() {
  const clock = new FakeClock();
  const writes: string[] = [];
  const frames = new SeenFrames(clock, (text) => writes.push(text));
  const see = (size: number): void =>
    frames.add({
      ...{ at: Date.parse("2026-01-01T00:00:00.007Z"), session: "s", direction: "fromClient", opcode: 1, fin: true },
      ...({ size, verdict: "forwarded" } satisfies Partial<FrameSeen>),
    });
  return { clock, writes, frames, see };
}

/** The sizes of the frames that were told of, in order. */
function told(writes: readonly string[]): unknown[] {
  const reader = new EventReader();
  for (const text of writes) reader.write(text);
  return reader.of("frame").map(({ size, at }) => (at === "2026-01-01T00:00:00.007Z" ? size : at));
}

test("frames wait 100 ms at most, and are told of together, in order, with the time at which they were seen", () => {
  const { clock, writes, see } = bench();
  for (const size of [1, 2, 3]) {
    see(size);
    clock.advance(33);
  }
  expect(writes).toEqual([]);
  clock.advance(1);
  expect([writes.length, told(writes)]).toEqual([1, [1, 2, 3]]);
  clock.advance(1000);
  expect(writes).toHaveLength(1);
});

test("128 frames wait for nothing, and what is left is told of at the end", () => {
  const { clock, writes, frames, see } = bench();
  for (let size = 0; size < 260; size += 1) see(size);
  expect(writes).toHaveLength(2);
  frames.flush();
  frames.flush();
  clock.advance(1000);
  expect([writes.length, told(writes)]).toEqual([3, Array.from({ length: 260 }, (_, size) => size)]);
});
