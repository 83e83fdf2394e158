import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { watchEventLoop } from "./event-loop-delay.ts";

test("tells ten times a second how late its timer was, until it is aborted", () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const delays: number[] = [];
  watchEventLoop(clock, (seconds) => delays.push(seconds), stop.signal);
  clock.advance(300);
  expect(delays).toEqual([0, 0, 0]);
  stop.abort();
  clock.advance(1000);
  expect([delays.length, clock.pending]).toEqual([4, 0]);
});

test("a loop that was blocked is told of, with the time that everything waited", () => {
  let now = 0;
  let due = (): void => {};
  const delays: number[] = [];
  const clock = {
    now: () => now,
    wall: () => now,
    after: (_ms: number, fn: () => void) => {
      due = fn;
      return { cancel: () => {} };
    },
  };
  watchEventLoop(clock, (seconds) => delays.push(seconds), new AbortController().signal);
  now = 600;
  due();
  now = 699; // a timer of Node may be early by a part of a millisecond
  due();
  expect(delays).toEqual([0.5, 0]);
});
