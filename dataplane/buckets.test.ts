import { expect, test } from "vitest";
import { Buckets } from "./buckets.ts";

const shape = { limit: 2, interval: 1000, burst: 2 };

test("each subject has a bucket of its own, and keeps it", () => {
  const buckets = new Buckets(shape);
  expect(buckets.of("a", 0).take(2, 0)).toBe(true);
  expect(buckets.of("a", 0).take(1, 0)).toBe(false);
  expect(buckets.of("b", 0).take(2, 0)).toBe(true);
});

test("a changed limit holds for subjects that are known and for new ones", () => {
  const buckets = new Buckets(shape);
  const known = buckets.of("a", 0);
  buckets.reshape({ ...shape, burst: 1 }, 0);
  expect(known.available(0)).toBe(1);
  expect(buckets.of("b", 0).available(0)).toBe(1);
});

test("the same limit again changes nothing", () => {
  const buckets = new Buckets(shape);
  buckets.of("a", 0).force(2, 0);
  buckets.reshape({ ...shape }, 500);
  expect(buckets.of("a", 500).available(500)).toBe(1);
});

test("a flood of subjects is forgotten from its oldest on, and whoever is busy is not", () => {
  const buckets = new Buckets(shape);
  buckets.of("busy", 0).force(2, 0);
  for (let n = 0; n < 150_000; n += 1) {
    buckets.of(`n${n}`, 0).force(2, 0);
    if (n % 50_000 === 0) buckets.of("busy", 0);
  }
  expect(buckets.of("busy", 0).available(0)).toBe(0);
  expect(buckets.of("n149999", 0).available(0)).toBe(0);
  expect(buckets.of("n1", 0).available(0)).toBe(2);
});
