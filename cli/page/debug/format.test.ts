import { expect, test } from "vitest";
import { bytes, clockTime, count, duration, preciseTime, rate, stepTime } from "./format.js";

test.each([
  [0, "0 ms"],
  [0.0424, "42 ms"],
  [1.29, "1.2 s"],
  [9.99, "9.9 s"],
  [59.9, "59 s"],
  [60, "1 min 00 s"],
  [187, "3 min 07 s"],
  [3600, "1 h 00 min"],
  [7500, "2 h 05 min"],
  [86_400, "1 d 00 h"],
  [1_000_000, "11 d 13 h"],
  [-1, "–"],
  [Number.NaN, "–"],
])("%d seconds are %s", (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

test.each([
  [0, "0 µs"],
  [4.25, "4.3 µs"],
  [85.4, "85 µs"],
  [1240, "1.24 ms"],
  [999_999, "1.0 s"],
  [1_250_000, "1.2 s"],
])("%d µs are %s", (micros, text) => {
  expect(stepTime(micros)).toBe(text);
});

test.each([
  [0, "0", "0 B"],
  [999, "999", "999 B"],
  [1000, "1k", "1000 B"],
  [1024, "1k", "1 KiB"],
  [12_400, "12.4k", "12.1 KiB"],
  [99_960, "100k", "97.6 KiB"],
  [999_999, "1M", "977 KiB"],
  [1_048_575, "1M", "1 MiB"],
  [3_100_000, "3.1M", "3 MiB"],
  [Number.MAX_SAFE_INTEGER, "9P", "8 PiB"],
  [Number.NaN, "–", "–"],
])("%d is %s, and in bytes %s", (value, number, size) => {
  expect([count(value), bytes(value)]).toEqual([number, size]);
});

test.each([
  [0, "0"],
  [0.02, "<0.1"],
  [0.34, "0.3"],
  [4, "4"],
  [12.6, "13"],
  [3400, "3.4k"],
  [Number.NaN, "–"],
])("%d a second is %s", (perSecond, text) => {
  expect(rate(perSecond)).toBe(text);
});

test("times are of this place, and one that is none is a dash", () => {
  const at = new Date(2026, 10, 30, 5, 7, 9, 42).getTime();
  expect([clockTime(at), preciseTime(at)]).toEqual(["05:07:09", "05:07:09.042"]);
  expect([clockTime(Number.NaN), preciseTime(Number.NaN)]).toEqual(["–", "–"]);
});
