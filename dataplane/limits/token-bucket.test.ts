import fc from "fast-check";
import { expect, test } from "vitest";
import { TokenBucket } from "./token-bucket.ts";

const shape = { limit: 3, interval: 1000, burst: 3 };

test("a full bucket gives its burst and not one more", () => {
  const bucket = new TokenBucket({ ...shape, burst: 5 }, 0);
  const given = [1, 2, 3, 4, 5, 6].map(() => bucket.take(1, 0));
  expect(given).toEqual([true, true, true, true, true, false]);
});

test.each([
  [333, false],
  [333.33, false],
  [1000 / 3, true],
  [334, true],
])("an empty bucket of 3 a second, after %d ms: a token is there: %s", (ms, there) => {
  const bucket = new TokenBucket(shape, 0);
  bucket.force(3, 0);
  expect(bucket.take(1, ms)).toBe(there);
});

test("after the wait that it names the tokens are there, and just before they are not", () => {
  const counts = fc.record({
    limit: fc.integer({ min: 1, max: 1000 }),
    interval: fc.integer({ min: 1, max: 3_600_000 }),
    burst: fc.integer({ min: 1, max: 1000 }),
    start: fc.integer({ min: 0, max: 1_000_000 }),
  });
  fc.assert(
    fc.property(counts, ({ start, ...any }) => {
      const bucket = new TokenBucket(any, start);
      bucket.force(any.burst, start);
      const wait = bucket.wait(1, start);
      expect(bucket.available(start + wait * 0.99)).toBeLessThan(1);
      expect(bucket.take(1, start + wait)).toBe(true);
    }),
  );
});

test("in no window does it give more than burst and what refills in the window", () => {
  const asks = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 });
  fc.assert(
    fc.property(asks, (gaps) => {
      const bucket = new TokenBucket(shape, 0);
      let now = 0;
      const given: number[] = [];
      for (const gap of gaps) if (bucket.take(1, (now += gap))) given.push(now);
      for (const [from, begin] of given.entries()) {
        for (const [to, end] of given.entries()) {
          if (to < from) continue;
          expect(to - from + 1).toBeLessThanOrEqual(3 + ((end - begin) * 3) / 1000 + 1e-6);
        }
      }
    }),
  );
});

test("a clock that steps back gives nothing and takes nothing", () => {
  const bucket = new TokenBucket(shape, 10_000);
  expect(bucket.take(3, 10_000)).toBe(true);
  expect(bucket.available(0)).toBe(0);
  expect(bucket.available(10_000)).toBe(0);
  expect(bucket.available(11_000)).toBe(3);
});

test("a slow bucket that is asked all the time fills as one that is not", () => {
  const bucket = new TokenBucket({ limit: 1, interval: 3_600_000, burst: 1 }, 0);
  bucket.force(1, 0);
  for (let now = 0; now < 3_600_000; now += 3) bucket.available(now); // 0.8 millionths of a token each time
  expect(bucket.take(1, 3_600_000)).toBe(true);
});

test("of a bucket of this process nothing is unknown, and a question is answered in a later turn", async () => {
  const bucket = new TokenBucket(shape, 0);
  expect([bucket.unknown(), bucket.least()]).toEqual([false, 0]);
  let asked = 0;
  const answered = (): void => void (asked += 1);
  bucket.ask(1, 0, answered).cancel();
  bucket.ask(1, 0, answered);
  expect(asked).toBe(0);
  await new Promise((resolve) => setImmediate(resolve));
  expect(asked).toBe(1);
});

test("what is spent and was not there is told at once", () => {
  const bucket = new TokenBucket(shape, 0);
  let short = 0;
  for (let n = 0; n < 5; n += 1) bucket.spend(1, 0, () => void (short += 1));
  expect([short, bucket.available(0)]).toEqual([2, 0]);
});

test("it never holds more than its burst", () => {
  const bucket = new TokenBucket(shape, 0);
  bucket.force(1, 0);
  expect(bucket.available(1_000_000_000)).toBe(3);
});

test("a debt is paid before anything is given", () => {
  const bucket = new TokenBucket(shape, 0);
  bucket.force(9, 0);
  expect(bucket.wait(0, 0)).toBe(2000);
  expect(bucket.take(1, 2000)).toBe(false);
  expect(bucket.take(1, 2334)).toBe(true);
});

test("more than the burst is waited for until the bucket is full", () => {
  const bucket = new TokenBucket(shape, 0);
  bucket.force(3, 0);
  expect(bucket.wait(100, 0)).toBe(1000);
});

test.each([
  ["a larger burst gives nothing at once", { ...shape, burst: 10 }, 3],
  ["a smaller burst takes what is above it", { ...shape, burst: 2 }, 2],
])("when it is reshaped, %s", (_, next, left) => {
  const bucket = new TokenBucket(shape, 0);
  bucket.reshape(next, 0);
  expect(bucket.available(0)).toBe(left);
});

test("a new rate counts from the change on", () => {
  const bucket = new TokenBucket(shape, 0);
  bucket.force(3, 0);
  bucket.reshape({ limit: 100, interval: 1000, burst: 100 }, 500);
  expect(bucket.available(500)).toBe(1.5);
  expect(bucket.available(600)).toBe(11.5);
});
