import { expect, test } from "vitest";
import { FakeClock } from "../../../../test/fakes/clock.ts";
import { Doubts } from "./doubts.ts";
import { PLACE_TIMES } from "./times.ts";

function doubts(): { clock: FakeClock; due: number[]; doubts: Doubts } {
  const clock = new FakeClock();
  const due: number[] = [];
  return { clock, due, doubts: new Doubts(clock, PLACE_TIMES, () => due.push(clock.now())) };
}

test("a dirty key is due soon, one that is only suspect later, and each once", () => {
  const { clock, due, doubts: all } = doubts();
  const began = clock.now();
  all.suspect(["a"]);
  all.dirty(["b"]);
  all.dirty(["b", "c"]);
  clock.advance(PLACE_TIMES.dirty);
  expect(due).toEqual([began + PLACE_TIMES.dirty]);
  expect([all.isDirty("a"), all.isDirty("b")]).toEqual([false, true]);
  expect([all.some(2), all.some(2), all.size]).toEqual([["b", "c"], ["a"], 0]);
  all.suspect(["a"]);
  clock.advance(PLACE_TIMES.suspect);
  expect(due).toHaveLength(2);
});

test("more keys than it remembers put all counts in doubt", () => {
  const { doubts: all } = doubts();
  for (let n = 0; n <= 20_000; n += 1) all.dirty([`key ${n}`]);
  expect([all.overflowed, all.size, all.isDirty("another")]).toEqual([true, 0, true]);
  all.dirty(["one more"]);
  expect(all.size).toBe(0);
  expect(all.begin()).toEqual([]);
  expect([all.overflowed, all.isDirty("another")]).toEqual([false, false]);
});
