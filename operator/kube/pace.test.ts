import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { Pace } from "./pace.ts";

/** The waits of a key: each of its passes computes for so long, and begins as soon as it may. */
function waits(count: number, computed: number): number[] {
  const clock = new FakeClock();
  const pace = new Pace(clock);
  return Array.from({ length: count }, () => {
    const wait = pace.wait("a");
    clock.advance(wait);
    pace.spend("a", computed);
    return wait;
  });
}

test("a key that changes now and then never waits", () => {
  const clock = new FakeClock();
  const pace = new Pace(clock);
  for (let pass = 0; pass < 1000; pass += 1) {
    pace.spend("a", 5);
    clock.advance(500);
    expect(pace.wait("a")).toBe(0);
  }
});

test("a key that changes all the time waits after some fifty passes, then longer and longer, a second at the most", () => {
  const all = waits(1000, 0);
  const first = all.findIndex((wait) => wait > 0);
  expect(first).toBeGreaterThan(40);
  expect(all[first + 1] ?? 0).toBeGreaterThan(250);
  expect(all.at(-1)).toBe(1000);
  expect(all.slice(first + 1).every((wait, index, some) => index === 0 || wait >= (some[index - 1] ?? 0))).toBe(true);
});

test("the more its passes compute, the longer it waits: ten seconds at the most", () => {
  expect(waits(5, 500)).toEqual([0, 0, 0, expect.any(Number), expect.any(Number)]);
  expect(Math.max(...waits(1000, 500))).toBe(10_000);
});

test("each key has an account of its own, and after a rest it is as new", () => {
  const clock = new FakeClock();
  const pace = new Pace(clock);
  for (let pass = 0; pass < 500; pass += 1) pace.spend("a", 100);
  expect([pace.wait("a"), pace.wait("b")]).toEqual([10_000, 0]);
  clock.advance(30_000);
  expect([pace.wait("a"), pace.credit("a")]).toEqual([0, 2000]);
  pace.spend("a", 0);
  expect(pace.credit("a")).toBe(1975);
});
