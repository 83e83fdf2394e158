import { expect, test } from "vitest";
import { DEBUG } from "../../api/debug.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { Places } from "./places.ts";

function bench() {
  const clock = new FakeClock();
  const places = new Places(clock);
  const gaveWay: number[] = [];
  let streams = 0;
  const take = (): (() => void) | undefined => {
    const stream = (streams += 1);
    return places.take(() => gaveWay.push(stream));
  };
  return { clock, places, gaveWay, take };
}

test("there are five places, and each is given back once", () => {
  const { places, take } = bench();
  const leave = take();
  for (let more = 1; more < DEBUG.watchers; more += 1) take();
  expect([places.taken, places.full, take()]).toEqual([5, true, undefined]);
  expect(places.lost).toEqual({ Full: 1, GaveWay: 0, Slow: 0 });
  leave?.();
  leave?.();
  expect([places.taken, places.full]).toEqual([4, false]);
});

test("a stream has its place for a minute; then the one that was open longest gives way, and no other", () => {
  const { clock, places, gaveWay, take } = bench();
  const leaves: (() => void)[] = [];
  for (let stream = 1; stream <= DEBUG.watchers; stream += 1) {
    leaves.push(take() ?? expect.fail());
    clock.advance(1000);
  }
  clock.advance(DEBUG.stays - 5001);
  expect([places.full, take()]).toEqual([true, undefined]);
  clock.advance(1);
  expect([places.full, take() === undefined]).toEqual([false, false]);
  expect([gaveWay, places.full]).toEqual([[1], true]);
  leaves[0]?.(); // its stream hears that it is over
  expect([places.taken, take()]).toEqual([5, undefined]);
  clock.advance(1000);
  take();
  expect(gaveWay).toEqual([1, 2]);
  expect(places.lost).toEqual({ Full: 2, GaveWay: 2, Slow: 0 });
});

test("while a place is free no stream gives way, however long it is open", () => {
  const { clock, gaveWay, take } = bench();
  for (let stream = 1; stream < DEBUG.watchers; stream += 1) take();
  clock.advance(3_600_000);
  take();
  expect(gaveWay).toEqual([]);
});
