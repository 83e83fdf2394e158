import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { Slices } from "./slices.ts";

test("a slice lasts 10 ms; then the event loop has its turn, and another begins", async () => {
  const clock = new FakeClock();
  const slices = new Slices(clock);
  let turns = 0;
  setImmediate(() => (turns += 1));
  clock.advance(9);
  expect(slices.spent).toBe(false);
  clock.advance(1);
  expect(slices.spent).toBe(true);
  expect(turns).toBe(0);
  await slices.next();
  expect([slices.spent, turns]).toEqual([false, 1]);
});

test("what passes between two slices is no work", async () => {
  const clock = new FakeClock();
  const slices = new Slices(clock);
  clock.advance(7);
  setImmediate(() => clock.advance(1000));
  await slices.next();
  clock.advance(3);
  expect(slices.worked).toBe(10);
});
