import { expect, test } from "vitest";
import { readFrame } from "./events.js";
import { frameLine, Frames, MOST_FRAMES, remark } from "./frames.js";

const at = "2026-11-30T05:00:00.000Z";
const frame = (more: object = {}) =>
  frameLine(readFrame({ at, direction: "fromClient", opcode: 1, fin: true, size: 5, verdict: "forwarded", ...more }));

test("a frame is one line of words", () => {
  expect(frame({ payload: "hello" })).toEqual({
    at: Date.parse(at),
    way: "up",
    kind: "text",
    size: 5,
    verdict: "forwarded",
    payload: "hello",
  });
  expect(frame({ direction: "fromBackend", opcode: 0, fin: false, compressed: true })).toMatchObject({
    way: "down",
    kind: "continuation (more follows) (compressed)",
  });
  expect(frame({ opcode: 11, verdict: "stopped", reason: "ProtocolError" })).toMatchObject({
    kind: "opcode 11",
    verdict: "stopped · ProtocolError",
  });
});

test("binary payload is shown byte by byte, and only its beginning", () => {
  const base64 = Buffer.from([0, 255, 16]).toString("base64");
  expect(frame({ binary: true, payload: base64 }).payload).toBe("00 ff 10");
  expect(frame({ binary: true, payload: Buffer.alloc(1024).toString("base64") }).payload).toHaveLength(48 * 3 - 1);
  expect(frame({ binary: true, payload: "%%%" }).payload).toBe("");
});

test("the last frames stay, the newest first, and all are counted", () => {
  const frames = new Frames();
  for (let size = 0; size < 100_000; size += 1) frames.add(frame({ size }));
  frames.add(remark(0, "3 frames left out"));
  const lines = frames.newestFirst;
  expect(lines).toHaveLength(MOST_FRAMES);
  expect(lines.slice(0, 2).map(({ kind, size }) => [kind, size])).toEqual([
    ["3 frames left out", Number.NaN],
    ["text", 99_999],
  ]);
  expect([frames.total, frames.bytes]).toEqual([100_000, 4_999_950_000]);
});
