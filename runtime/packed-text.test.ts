import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { hashOf, pack, unpack, unpackAside } from "./packed-text.ts";

const MOST = 1_000_000;

test("any text comes back as it was, from the same bytes each time", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 2000 }), (text) => {
      expect(Buffer.compare(pack(text), pack(text))).toBe(0);
      expect(unpack(pack(text), hashOf(text), MOST)).toBe(text);
    }),
  );
});

test("the header names neither a time nor a system", () => {
  expect([...pack("text").subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
});

test.each([
  ["at once", async (...of: Parameters<typeof unpack>) => unpack(...of)],
  ["beside the event loop", unpackAside],
])("unpacked %s, another text, half of one and no gzip at all are not believed", async (_, unpacked) => {
  const packed = pack("one");
  expect(await unpacked(packed, hashOf("one"), MOST)).toBe("one");
  expect(await unpacked(packed, hashOf("two"), MOST)).toBeUndefined();
  expect(await unpacked(packed.subarray(0, packed.length / 2), hashOf("one"), MOST)).toBeUndefined();
  expect(await unpacked(Buffer.from("one"), hashOf("one"), MOST)).toBeUndefined();
  expect(await unpacked(new Uint8Array(), hashOf(""), MOST)).toBeUndefined();
});

test.each([
  ["at once", async (...of: Parameters<typeof unpack>) => unpack(...of)],
  ["beside the event loop", unpackAside],
])("unpacked %s, what is more than it may be is given up, not held in memory", async (_, unpacked) => {
  const bomb = gzipSync(Buffer.alloc(300 * MOST));
  const before = process.memoryUsage().rss;
  expect(await unpacked(bomb, hashOf("\0".repeat(300)), MOST)).toBeUndefined();
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * MOST);
  expect(await unpacked(pack("x".repeat(MOST)), hashOf("x".repeat(MOST)), MOST)).toHaveLength(MOST);
});
