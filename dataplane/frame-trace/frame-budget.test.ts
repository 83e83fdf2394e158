import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { FrameBudget } from "./frame-budget.ts";

function bench(perSecond: number) {
  const clock = new FakeClock();
  const told: number[] = [];
  const budget = new FrameBudget(perSecond, clock, (leftOut) => told.push(leftOut));
  const taken = (frames: number): number => {
    let count = 0;
    for (let frame = 0; frame < frames; frame += 1) if (budget.takes()) count += 1;
    return count;
  };
  return { clock, told, budget, taken };
}

test("so many frames of a second pass; of the others it tells how many, once a second", () => {
  const { clock, told, taken } = bench(10);
  expect([taken(25), told]).toEqual([10, []]);
  clock.advance(500);
  expect([taken(5), told]).toEqual([0, []]);
  clock.advance(500);
  expect([taken(3), told]).toEqual([3, [20]]);
  clock.advance(5000);
  expect([taken(10), told]).toEqual([10, [20]]);
});

test("what was left out last is told at the end", () => {
  const { told, budget, taken } = bench(1);
  expect(taken(4)).toBe(1);
  budget.stop();
  budget.stop();
  expect(told).toEqual([3]);
});
