import { expect, test } from "vitest";
import { rowAfterKey, rowsIn, topFor } from "./window.js";

const view = { top: 2800, height: 560, rowHeight: 28, count: 10_000 };

test("only the rows near the visible part exist", () => {
  expect(rowsIn(view, 8)).toEqual({ first: 92, end: 128 });
  expect(rowsIn({ ...view, top: 0 }, 8)).toEqual({ first: 0, end: 28 });
  expect(rowsIn({ ...view, top: 279_440 }, 8)).toEqual({ first: 9972, end: 10_000 });
});

test("a list that has become shorter than what was scrolled away has no rows out of its bounds", () => {
  expect(rowsIn({ ...view, count: 3 }, 8)).toEqual({ first: 3, end: 3 });
  expect(rowsIn({ ...view, count: 0 }, 8)).toEqual({ first: 0, end: 0 });
});

test("scrolls no further than a row needs to be visible as a whole", () => {
  expect(topFor(view, 110)).toBe(2800);
  expect(topFor(view, 99)).toBe(2772);
  expect(topFor(view, 120)).toBe(2828);
  expect(topFor({ ...view, height: 10 }, 0)).toBe(0);
});

test.each([
  ["ArrowDown", 5, 6],
  ["ArrowUp", 5, 4],
  ["ArrowUp", 0, 0],
  ["ArrowDown", 9999, 9999],
  ["PageDown", 5, 24],
  ["PageUp", 5, 0],
  ["Home", 5, 0],
  ["End", 5, 9999],
  ["ArrowDown", -1, 100],
  ["ArrowUp", -1, 100],
  ["x", 5, undefined],
  ["constructor", 5, undefined],
])("%s leads from row %i to row %s", (key, from, to) => {
  expect(rowAfterKey(key, from, view)).toBe(to);
});

test("no key leads anywhere in an empty list", () => {
  expect(rowAfterKey("Home", -1, { ...view, count: 0 })).toBeUndefined();
});
