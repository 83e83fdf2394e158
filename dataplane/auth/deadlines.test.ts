import { beforeEach, expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { Deadlines } from "./deadlines.ts";

const HOUR = 3_600_000;

let clock: FakeClock;
let deadlines: Deadlines;
let reached: string[];
beforeEach(() => {
  clock = new FakeClock();
  deadlines = new Deadlines(clock);
  reached = [];
});

function wait(ms: number, name = "it"): () => void {
  return deadlines.at(clock.wall() + ms, () => reached.push(name));
}

test("a moment is told to the millisecond, once, and leaves no timer", () => {
  wait(HOUR);
  clock.advance(HOUR - 1);
  expect(reached).toEqual([]);
  clock.advance(1);
  expect(reached).toEqual(["it"]);
  clock.advance(HOUR);
  expect(reached).toEqual(["it"]);
  expect(clock.pending).toBe(0);
});

test("a moment that has passed is told, but not from within the call", () => {
  wait(-1);
  expect(reached).toEqual([]);
  clock.advance(0);
  expect(reached).toEqual(["it"]);
});

test.each([1, 250, 499, 500, 501, 999])("%i ms after the clock began to be watched it is set past the moment", (ms) => {
  wait(2 * HOUR, "late");
  clock.advance(ms);
  wait(HOUR, "early");
  clock.stepWall(HOUR + 1);
  clock.advance(500);
  expect(reached).toEqual(["early"]);
});

test("after a step to just before the moment it is told to the millisecond", () => {
  wait(HOUR);
  clock.stepWall(HOUR - 700);
  clock.advance(699);
  expect(reached).toEqual([]);
  clock.advance(1);
  expect(reached).toEqual(["it"]);
});

test("a clock that is set back tells the moment no earlier than it is", () => {
  wait(HOUR);
  clock.advance(HOUR / 2);
  clock.stepWall(-HOUR);
  clock.advance(HOUR + HOUR / 2 - 1);
  expect(reached).toEqual([]);
  clock.advance(1);
  expect(reached).toEqual(["it"]);
});

test("set back just before the moment, and forward again, it is told within a second of the latter", () => {
  wait(HOUR);
  clock.advance(HOUR - 1);
  clock.stepWall(-HOUR);
  clock.advance(1000);
  expect(reached).toEqual([]);
  clock.stepWall(HOUR);
  clock.advance(500);
  expect(reached).toEqual(["it"]);
});

test("small steps that add up are one", () => {
  wait(HOUR);
  for (let step = 0; step < 1000; step += 1) {
    clock.stepWall(60);
    clock.advance(1000);
  }
  clock.advance(HOUR - 1_060_000 + 100);
  expect(reached).toEqual(["it"]);
});

test("10,000 that wait look at the clock once in a while together, and none by itself", () => {
  for (let index = 0; index < 10_000; index += 1) wait(24 * HOUR);
  expect(clock.pending).toBe(10_001);
  let looks = 0;
  const wall = clock.wall.bind(clock);
  clock.wall = () => {
    looks += 1;
    return wall();
  };
  clock.advance(10_000);
  expect(looks).toBe(20);
});

test("with no deadline that waits, no ticker runs", () => {
  expect(deadlines.at(Number.POSITIVE_INFINITY, () => {})).toBeTypeOf("function");
  expect(clock.pending).toBe(0);
  const stops = [wait(HOUR), wait(2 * HOUR)];
  stops[0]?.();
  stops[0]?.();
  expect(clock.pending).toBe(2);
  stops[1]?.();
  expect(clock.pending).toBe(0);
  wait(HOUR);
  expect(clock.pending).toBe(2);
});

test("a deadline may be set again from its own callback", () => {
  deadlines.at(clock.wall() + 1, () => wait(1, "again"));
  clock.advance(2);
  expect(reached).toEqual(["again"]);
  expect(clock.pending).toBe(0);
});
