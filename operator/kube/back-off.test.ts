import fc from "fast-check";
import { expect, test } from "vitest";
import { BackOff } from "./back-off.ts";

const waits = (backOff: BackOff, count: number): number[] => Array.from({ length: count }, () => backOff.next());

test("waits double up to the longest, and begin again after a reset", () => {
  const backOff = new BackOff(1000, 10_000, () => 1);
  expect(waits(backOff, 5)).toEqual([2000, 4000, 8000, 10_000, 10_000]);
  backOff.reset();
  expect(waits(backOff, 2)).toEqual([2000, 4000]);
});

test("each wait is somewhere in the upper half of its step, and never below the least nor above the longest", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1, maxLength: 60 }),
      (draws) => {
        const left = [...draws];
        const backOff = new BackOff(500, 60_000, () => left.shift() ?? 0);
        for (const [index, wait] of waits(backOff, draws.length).entries()) {
          const step = Math.min(60_000, 500 * 2 ** (index + 1));
          expect(wait).toBeGreaterThanOrEqual(Math.max(500, step / 2));
          expect(wait).toBeLessThanOrEqual(step);
        }
      },
    ),
  );
});
