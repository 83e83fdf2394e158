import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { Spread } from "./spread.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a few tasks run at once, and of a burst each turn of the loop runs some, in order", async () => {
  const slices = new Spread(new FakeClock());
  const ran: number[] = [];
  for (let n = 0; n < 1000; n += 1) slices.run(() => ran.push(n));
  const first = ran.length;
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThanOrEqual(64);
  let before = first;
  while (slices.waiting > 0) {
    await turn();
    expect(ran.length - before).toBeLessThanOrEqual(64);
    before = ran.length;
  }
  expect(ran).toEqual(Array.from({ length: 1000 }, (_, n) => n));
});

test("the longer turns take, the fewer tasks run in each, but some always do", async () => {
  const clock = new FakeClock();
  const slices = new Spread(clock);
  let ran = 0;
  for (let n = 0; n < 3000; n += 1) {
    slices.run(() => {
      ran += 1;
      if (ran > 16) clock.advance(5); // each of these takes 5 ms
    });
  }
  const perTurn: number[] = [];
  for (let turns = 0; turns < 20; turns += 1) {
    const before = ran;
    await turn();
    perTurn.push(ran - before);
  }
  expect(perTurn.at(-1)).toBe(4);
  expect(Math.min(...perTurn.slice(1))).toBe(4);
});

test("a task that comes while others wait does not overtake them", async () => {
  const slices = new Spread(new FakeClock());
  const ran: string[] = [];
  for (let n = 0; n < 20; n += 1) slices.run(() => ran.push("burst"));
  await turn();
  slices.run(() => ran.push("later"));
  while (slices.waiting > 0) await turn();
  expect(ran).toEqual([...Array.from({ length: 20 }, () => "burst"), "later"]);
});

test("tasks that tasks bring along run too", async () => {
  const slices = new Spread(new FakeClock());
  let ran = 0;
  for (let n = 0; n < 300; n += 1) {
    slices.run(() => {
      slices.run(() => (ran += 1));
    });
  }
  while (slices.waiting > 0) await turn();
  expect(ran).toBe(300);
});
