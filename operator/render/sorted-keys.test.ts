import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson, canonicalPieces, sortedKeys } from "./sorted-keys.ts";

test("the same value in any order of its fields is the same text", () => {
  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, field]) => [key, reversed(field)]),
    );
  };
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(canonicalJson(reversed(value))).toBe(canonicalJson(value));
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test("lists stay in their order, and fields that are undefined are left out", () => {
  expect(canonicalJson({ b: [2, 1], a: { d: undefined, c: null } })).toBe('{"a":{"c":null},"b":[2,1]}');
  expect(Object.keys(sortedKeys({ b: 1, a: undefined }))).toEqual(["b"]);
});

test("a field called __proto__ is an ordinary field", () => {
  const value = JSON.parse('{"__proto__":{"x":1},"a":2}') as object;
  expect(canonicalJson(value)).toBe('{"__proto__":{"x":1},"a":2}');
});

test("in pieces it is the same text, and no piece is much longer than the longest text in it", () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), (values) => {
      const long = Array.from({ length: 300 }, (_, at) => ({ b: "x".repeat(400), a: [at, undefined], values }));
      const pieces = [...canonicalPieces({ z: undefined, long, empty: [], none: {} })];
      expect(pieces.join("")).toBe(canonicalJson({ none: {}, long, empty: [] }));
      expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(200_000);
    }),
    { numRuns: 20 },
  );
});
