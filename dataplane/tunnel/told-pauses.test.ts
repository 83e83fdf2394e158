import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { ToldPauses } from "./told-pauses.ts";

test("a pause is told with its end, and the next one a second later at the earliest", () => {
  const clock = new FakeClock();
  const told: string[] = [];
  const pauses = new ToldPauses(clock, (what) => told.push(what));
  for (let time = 0; time < 3000; time += 10) {
    pauses.paused();
    pauses.paused();
    clock.advance(10);
    pauses.resumed();
    pauses.resumed();
  }
  expect(told).toEqual(["paused", "resumed", "paused", "resumed", "paused", "resumed"]);
});
