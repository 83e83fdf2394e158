import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { settle } from "../../test/fakes/idp-bench.ts";
import { closeSpread } from "./drain.ts";
import type { Session } from "./session.ts";

const termination = { reason: "Draining" } as const;

type Told = { index: number; at: number; with: unknown }[];

interface Fake {
  ending: boolean;
  terminate(end: unknown): void;
}

function sessions(count: number, clock: FakeClock): { all: (Session & Fake)[]; told: Told } {
  const told: Told = [];
  const start = clock.now();
  const one = (index: number): Session & Fake => {
    const fake: Fake = {
      ending: false,
      terminate(end) {
        if (!fake.ending) told.push({ index, at: clock.now() - start, with: end });
        fake.ending = true;
      },
    };
    return fake as Session & Fake;
  };
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
  expect(new Set(told.map(({ with: end }) => end))).toEqual(new Set([termination]));
  for (let quarter = 0; quarter < 4; quarter += 1) {
    const there = told.filter(({ at }) => at > quarter * 500 && at <= (quarter + 1) * 500).length;
    expect(there).toBeGreaterThan(40);
    expect(there).toBeLessThan(60);
  }
  expect(Math.max(...told.map(({ at }) => at))).toBeLessThanOrEqual(2050);
  expect(told.map(({ index }) => index)).not.toEqual(all.map((_, index) => index));
});

test("progress is reported while sessions are told", async () => {
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

test("an abort stops the drain: no further session is told, and no timer is left", async () => {
  const clock = new FakeClock();
  const { all, told } = sessions(100, clock);
  const abort = new AbortController();
  const done = closeSpread(all, termination, 1000, { clock, random: Math.random, abort: abort.signal });
  await run(clock, 500);
  const until = told.length;
  expect([until > 40, until < 60]).toEqual([true, true]);
  abort.abort();
  await done;
  await run(clock, 1000);
  expect(told).toHaveLength(until); // no session is told after it
  expect(clock.pending).toBe(0);
});

test("sessions that end by themselves are not waited for, and the others are told in their turn", async () => {
  const clock = new FakeClock();
  const { all, told } = sessions(4, clock);
  const { signal: abort } = new AbortController();
  let over = false;
  const done = closeSpread(all, termination, 3_600_000, { clock, random: () => 0.5, abort }).then(() => (over = true));
  await run(clock, 1000);
  expect(told).toEqual([]);
  for (const index of [0, 1, 3]) Object.assign(all[index] ?? {}, { ending: true });
  await run(clock, 1000);
  expect([told, over]).toEqual([[], false]);
  Object.assign(all[2] ?? {}, { ending: true });
  await run(clock, 500);
  expect(over).toBe(true);
  await done;
  expect(clock.pending).toBe(0);
});

test("without a session it is over at once", async () => {
  const clock = new FakeClock();
  await closeSpread([], termination, 60_000, { clock, random: Math.random, abort: new AbortController().signal });
  expect(clock.pending).toBe(0);
});
