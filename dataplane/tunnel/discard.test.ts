import { expect, test } from "vitest";
import fc from "fast-check";
import { FakeClock } from "../../test/fakes/clock.ts";
import { close, frame } from "../../test/fakes/frames.ts";
import { LoopShare } from "../../runtime/loop/loop-share.ts";
import type { ByteSource } from "./byte-source.ts";
import { Discard } from "./discard.ts";

function bench(payload = 0) {
  const clock = new FakeClock();
  const did: string[] = [];
  const source = { pause: () => did.push("pause"), resume: () => did.push("resume") } as unknown as ByteSource;
  const discard = new Discard(source, new LoopShare(clock), () => did.push("closed"));
  discard.begin(payload, false);
  return { clock, did, discard };
}

const frames = fc.array(
  fc.record({
    opcode: fc.constantFrom(0, 1, 2, 3, 9, 10),
    payload: fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes)),
    mask: fc.boolean(),
    rsv: fc.nat({ max: 7 }),
  }),
  { maxLength: 8 },
);

test("the Close frame is seen at its last byte, once, whatever came before it and however it is cut", () => {
  fc.assert(
    fc.property(
      frames,
      fc.nat({ max: 100 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
      (list, left, cuts) => {
        const { did, discard } = bench(left);
        const bytes = Buffer.concat([Buffer.alloc(left, 0x88), ...list.map(frame), close(4000, "done", true)]);
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          expect(did).toEqual([]);
          const next = at + (cuts[turn % cuts.length] ?? 1);
          discard.take(bytes.subarray(at, next));
          at = next;
        }
        discard.take(close(4000, "again", true));
        expect(did).toEqual(["closed"]);
      },
    ),
  );
});

test.each([
  ["a Close frame whose length is not allowed", frame({ opcode: 8, payload: Buffer.alloc(200) })],
  ["a Close frame in fragments", frame({ opcode: 8, fin: false })],
])("%s is one too", (_what, bytes) => {
  const { did, discard } = bench();
  discard.take(bytes);
  expect(did).toEqual(["closed"]);
});

test.each([
  [999_999, ["closed"]],
  [1_000_000, []],
])("behind %d empty frames the Close frame has this effect: %o", (empty, effect) => {
  const { did, discard } = bench();
  discard.take(Buffer.alloc(2 * empty, frame({ opcode: 2 })));
  discard.take(close(4000, "", true));
  expect(did).toEqual(effect);
});

test("a source that sends on and on is read no further than 16 MiB", () => {
  const { did, discard } = bench(Number.MAX_SAFE_INTEGER);
  const chunk = Buffer.alloc(65_536);
  for (let n = 0; n < 255; n += 1) discard.take(chunk);
  expect(did).toEqual([]);
  discard.take(chunk);
  discard.resume();
  expect(did).toEqual(["pause"]);
});

test("after a large read it gives way where the turn of the loop is spent, and stops with its flow", async () => {
  const { clock, did, discard } = bench(1_000_000);
  discard.take(Buffer.alloc(16_384));
  expect(did).toEqual([]);
  clock.advance(10);
  discard.take(Buffer.alloc(16_383));
  expect(did).toEqual([]);
  discard.take(Buffer.alloc(16_384));
  discard.resume();
  expect(did).toEqual(["pause"]);
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  expect(did).toEqual(["pause", "resume"]);
  clock.advance(10);
  discard.take(Buffer.alloc(16_384));
  clock.advance(10);
  discard.take(Buffer.alloc(16_384));
  discard.stop();
  const then = did.length;
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  expect(did).toHaveLength(then);
});
