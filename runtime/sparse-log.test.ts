import { expect, test } from "vitest";
import { FakeClock } from "../test/fakes/clock.ts";
import { SparseLog } from "./sparse-log.ts";

test("the first is told at once, what follows once a second with its count, and nothing when there was nothing", () => {
  const clock = new FakeClock();
  const told: object[] = [];
  const log = new SparseLog<"a" | "b">(clock, (counts) => told.push(counts));
  for (let n = 0; n < 5; n += 1) log.count("a");
  log.count("b");
  expect(told).toEqual([{ a: 1 }]);
  clock.advance(999);
  expect(told.length).toBe(1);
  clock.advance(1);
  expect(told).toEqual([{ a: 1 }, { a: 4, b: 1 }]);
  clock.advance(5000);
  expect([told.length, clock.pending]).toEqual([2, 0]);
  log.count("b");
  expect(told.at(-1)).toEqual({ b: 1 });
});
