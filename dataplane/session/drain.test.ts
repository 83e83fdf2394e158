import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { settle } from "../../test/fakes/idp-bench.ts";
import { closeSpread } from "./drain.ts";
import type { Session } from "./session.ts";

const termination = { reason: "Draining" } as const;

function sessions(count: number, clock: FakeClock): { all: Session[]; told: { index: number; at: number }[] } {
  const told: { index: number; at: number }[] = [];
  const start = clock.now();
  const one = (index: number): Session =>
    ({ terminate: () => told.push({ index, at: clock.now() - start }) }) as unknown as Session;
  return { all: Array.from({ length: count }, (_, index) => one(index)), told };
}

/** Moves the clock in small steps, as time goes. */
async function run(clock: FakeClock, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 10) {
    clock.advance(10);
    await settle();
  }
}

test("sessions are told evenly over the period, in random order", async () => {
  const clock = new FakeClock();
  const { all, told } = sessions(200, clock);
  const done = closeSpread(all, termination, 2000, { clock, random: Math.random, abort: new AbortController().signal });
  await run(clock, 2100);
  await done;
  expect(told).toHaveLength(200);
  for (let quarter = 0; quarter < 4; quarter += 1) {
    const there = told.filter(({ at }) => at > quarter * 500 && at <= (quarter + 1) * 500).length;
    expect(there).toBeGreaterThan(40);
    expect(there).toBeLessThan(60);
  }
  expect(Math.max(...told.map(({ at }) => at))).toBeLessThanOrEqual(2050);
  expect(told.map(({ index }) => index)).not.toEqual(all.map((_, index) => index));
});

test("progress is reported after each batch", async () => {
  const clock = new FakeClock();
  const { all, told } = sessions(10, clock);
  const seen: number[] = [];
  const { signal: abort } = new AbortController();
  const progress = (): void => void seen.push(told.length);
  const done = closeSpread(all, termination, 1000, { clock, random: () => 0, abort, progress });
  await run(clock, 1000);
  await done;
  expect(seen.at(0)).toBeLessThan(3);
  expect(seen.at(-1)).toBe(10);
});

test("an abort stops it at once, and leaves no timer", async () => {
  const clock = new FakeClock();
  const { all, told } = sessions(100, clock);
  const abort = new AbortController();
  const done = closeSpread(all, termination, 1000, { clock, random: Math.random, abort: abort.signal });
  await run(clock, 500);
  const until = told.length;
  abort.abort();
  await done;
  await run(clock, 1000);
  expect(told).toHaveLength(until);
  expect(clock.pending).toBe(0);
});

test("without sessions it is over at once", async () => {
  const clock = new FakeClock();
  await closeSpread([], termination, 60_000, { clock, random: Math.random, abort: new AbortController().signal });
  expect(clock.pending).toBe(0);
});
