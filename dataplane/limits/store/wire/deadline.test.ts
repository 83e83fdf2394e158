import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { FakeClock } from "../../../../test/fakes/clock.ts";
import type { Clock, Timer } from "../../../../runtime/clock.ts";
import { Deadline } from "./deadline.ts";

/** A clock whose timers fire late, as those of a busy process. */
class BusyClock implements Clock {
  readonly #clock = new FakeClock();
  late = 0;

  now = (): number => this.#clock.now();
  wall = (): number => this.#clock.wall();
  after = (ms: number, fn: () => void): Timer => this.#clock.after(ms + this.late, fn);
  advance = (ms: number): void => this.#clock.advance(ms);
  get pending(): number {
    return this.#clock.pending;
  }
}

function scene(ms = 50) {
  const clock = new BusyClock();
  const at = { end: clock.now() + ms };
  const missed: number[] = [];
  return {
    clock,
    missed,
    at,
    deadline: (): Deadline =>
      new Deadline(
        clock,
        () => at.end - clock.now(),
        ms / 2,
        () => missed.push(clock.now()),
      ),
  };
}

test("is missed behind the reading of sockets of that turn, once", async () => {
  const { clock, missed, deadline } = scene();
  deadline();
  clock.advance(50);
  expect(missed.length).toBe(0);
  await turn();
  await turn();
  clock.advance(1_000);
  await turn();
  expect(missed.length).toBe(1);
  expect(clock.pending).toBe(0);
});

test("an answer that lay unread when the timer fired counts", async () => {
  const { clock, missed, deadline } = scene();
  const one = deadline();
  clock.advance(50);
  one.cancel();
  await turn();
  expect([missed, clock.pending]).toEqual([[], 0]);
});

test("moves with the answers to others", async () => {
  const { clock, missed, deadline, at } = scene();
  deadline();
  clock.advance(49);
  at.end += 30;
  clock.advance(30);
  await turn();
  expect(missed.length).toBe(0);
  clock.advance(1);
  at.end += 10; // an answer that is read in the same turn
  await turn();
  expect(missed.length).toBe(0);
  clock.advance(10);
  await turn();
  expect(missed.length).toBe(1);
});

test("a timer that is late gives the store half of the time again: the process was busy", async () => {
  const { clock, missed, deadline } = scene();
  const start = clock.now();
  clock.late = 400;
  deadline();
  clock.late = 0;
  clock.advance(450);
  await turn();
  expect(missed.length).toBe(0);
  clock.advance(25);
  await turn();
  expect(missed).toEqual([start + 475]);
});

test("a process that is busy all the time waits on four times, no more", async () => {
  const { clock, missed, deadline } = scene();
  clock.late = 20;
  deadline();
  for (let n = 0; n < 100; n += 1) {
    clock.advance(10);
    await turn();
  }
  expect(missed.length).toBe(1);
  expect(missed[0]).toBeLessThan(1_000 + 50 + 20 + 4 * 45 + 11);
});
