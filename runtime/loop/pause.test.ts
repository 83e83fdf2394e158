import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { settle } from "../../test/fakes/idp-bench.ts";
import { pause } from "./pause.ts";

test("a pause ends at its time, or when it is aborted, and not at all late where it is aborted already", async () => {
  const clock = new FakeClock();
  const abort = new AbortController();
  let over = 0;
  void pause(100, clock, abort.signal).then(() => (over += 1));
  void pause(1000, clock, abort.signal).then(() => (over += 1));
  clock.advance(100);
  await settle();
  expect(over).toBe(1);
  abort.abort();
  await settle();
  expect(over).toBe(2);
  await pause(1000, clock, abort.signal);
  expect(clock.pending).toBe(0);
});
