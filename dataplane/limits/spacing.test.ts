import { expect, test } from "vitest";
import { Spacing } from "./spacing.ts";
import { TokenBucket, type BucketShape } from "./token-bucket.ts";

test("a flow that waits alone waits for its tokens and no longer", () => {
  const spacing = new Spacing();
  for (let now = 0; now < 1000; now += 100) expect(spacing.turn(100, 100, now)).toBe(100);
});

test("flows that wait together have their turns one after the other", () => {
  const spacing = new Spacing();
  expect([1, 2, 3].map(() => spacing.turn(50, 100, 0))).toEqual([50, 150, 250]);
  expect(spacing.turn(50, 10, 20)).toBe(330);
});

test("a bucket that was left alone for a while has its next turn at once", () => {
  const spacing = new Spacing();
  spacing.turn(50, 100, 0);
  expect(spacing.turn(0, 100, 1000)).toBe(0);
});

test("of more flows than can have a turn soon, the others look again within a second, not all at once", () => {
  const spacing = new Spacing();
  const told = Array.from({ length: 1000 }, () => spacing.turn(5000, 100, 0));
  const late = told.slice(11);
  expect(Math.max(...told)).toBeLessThanOrEqual(6000);
  expect(Math.min(...late)).toBeGreaterThanOrEqual(5500);
  for (let from = 5500; from < 6000; from += 50) {
    expect(late.filter((at) => at >= from && at < from + 50).length).toBeLessThan(120);
  }
});

test("turns of the rate before do not count at another", () => {
  const bucket = new TokenBucket({ limit: 1, interval: 1000, burst: 1 }, 0);
  bucket.take(1, 0);
  expect([1, 2].map(() => bucket.turn(1, 0))).toEqual([1000, 2000]);
  bucket.reshape({ limit: 10, interval: 1000, burst: 1 }, 0);
  expect([1, 2].map(() => bucket.turn(1, 0))).toEqual([100, 200]);
});

/** Flows that always have a message, by simulated time: how often one looked, and how many messages passed. */
function crowd(flows: number, shape: BucketShape, ms: number): { looks: number; passed: number } {
  const bucket = new TokenBucket(shape, 0);
  const due: number[][] = Array.from({ length: ms }, () => []);
  due[0] = Array.from({ length: flows }, (_, flow) => flow);
  let [looks, passed] = [0, 0];
  for (const [now, woken] of due.entries()) {
    for (const flow of woken) {
      looks += 1;
      while (bucket.take(1, now)) passed += 1;
      due[now + Math.max(1, Math.ceil(bucket.turn(1, now)))]?.push(flow);
    }
  }
  return { looks, passed };
}

test.each([
  { flows: 4, limit: 10, burst: 1 },
  { flows: 1000, limit: 100, burst: 10 },
  { flows: 10_000, limit: 900, burst: 900 },
])("$flows flows that wait for $limit tokens a second use all of them, and hardly look in vain", (crowded) => {
  const { flows, limit, burst } = crowded;
  const { looks, passed } = crowd(flows, { limit, interval: 1000, burst }, 10_000);
  expect(passed).toBeGreaterThan(0.98 * (burst + 10 * limit - 1));
  expect(looks).toBeLessThan(flows + 10 * (limit + 2 * flows));
});
