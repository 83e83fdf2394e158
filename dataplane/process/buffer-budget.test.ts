import { describe, expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { leastTime } from "../../test/fakes/least-time.ts";
import { BufferBudget, type Consumer } from "./buffer-budget.ts";

const LIMIT = 100_000_000;

function bench(limit = LIMIT) {
  const clock = new FakeClock();
  const turns: (() => void)[] = [];
  const lines: string[] = [];
  const log = { warn: (_fields: object, message: string) => void lines.push(message), info: () => {} };
  const budget = new BufferBudget({ limit, clock, log, soon: (turn) => void turns.push(turn) });
  const shed: string[] = [];
  let looks = 0;
  const consumer = (name: string, kept: number, stalled = 0): Consumer => {
    const one: Consumer = {
      kept: 0,
      stalled,
      look: () => void (looks += 1),
      shed: () => {
        shed.push(name);
        budget.change(one, 0);
        return 1;
      },
    };
    budget.change(one, kept);
    return one;
  };
  const turn = (): void => turns.splice(0).forEach((one) => one());
  return { budget, clock, shed, consumer, turn, lines, looks: () => looks };
}

test("the budget counts the bytes of all receivers", () => {
  const { budget, consumer } = bench();
  const one = consumer("one", 1000);
  consumer("other", 30_000);
  budget.change(one, 500);
  expect(budget.used).toBe(30_500);
});

test("from three quarters of the budget on senders pause early, until it is below two thirds", () => {
  const { budget, consumer } = bench();
  const one = consumer("one", 0.75 * LIMIT);
  expect(budget.mark).toBe(Infinity);
  budget.change(one, 0.75 * LIMIT + 1);
  expect(budget.mark).toBe(16_384);
  budget.change(one, 0.65 * LIMIT + 1);
  expect(budget.mark).toBe(16_384);
  budget.change(one, 0.65 * LIMIT - 1);
  expect(budget.mark).toBe(Infinity);
});

test("from nine tenths of the budget on no session should begin, until it is below eight tenths", () => {
  const { budget, consumer, lines } = bench();
  const one = consumer("one", 0.9 * LIMIT);
  expect(budget.near).toBe(false);
  budget.change(one, 0.9 * LIMIT + 1);
  expect(budget.near).toBe(true);
  budget.change(one, 0.8 * LIMIT + 1);
  expect(budget.near).toBe(true);
  budget.change(one, 0.8 * LIMIT - 1);
  expect(budget.near).toBe(false);
  expect(budget.mark).toBe(16_384);
  budget.change(one, 0.95 * LIMIT);
  expect(budget.near).toBe(true);
  expect(lines).toHaveLength(1);
});

test("the budget may be full and empty again in one step", () => {
  const { budget, consumer } = bench();
  const one = consumer("one", 2 * LIMIT);
  expect([budget.near, budget.mark]).toEqual([true, 16_384]);
  budget.change(one, 0);
  expect([budget.near, budget.mark]).toEqual([false, Infinity]);
});

describe("near the budget", () => {
  test("receivers that have stalled for a second end until there is room again, the fullest and longest first", () => {
    const { budget, clock, shed, consumer } = bench();
    consumer("fast and full", 0.5 * LIMIT, 999);
    consumer("slow", 0.1 * LIMIT, 4000);
    consumer("slower", 0.1 * LIMIT, 8000);
    consumer("slow and full", 0.21 * LIMIT, 4000);
    clock.advance(250);
    expect(shed).toEqual(["slow and full"]);
    expect(budget.ended).toBe(1);
    expect(budget.used).toBeLessThanOrEqual(0.8 * LIMIT);
    clock.advance(10_000);
    expect(shed).toHaveLength(1);
  });

  test("no receiver ends while all take what waits for them", () => {
    const { clock, shed, consumer } = bench();
    for (let n = 0; n < 95; n += 1) consumer("fast", 0.01 * LIMIT, 999);
    clock.advance(10_000);
    expect(shed).toEqual([]);
  });
});

describe("over the budget", () => {
  test("the fullest receivers end in the next turn, slow or not, until nine tenths are in use", () => {
    const { budget, shed, consumer, turn } = bench();
    for (let n = 1; n <= 10; n += 1) consumer(`${n}`, (0.11 + n / 10_000) * LIMIT);
    expect(shed).toEqual([]);
    turn();
    expect(shed).toEqual(["10", "9"]);
    expect(budget.used).toBeLessThanOrEqual(0.9 * LIMIT);
  });

  test("of thousands of receivers some end in each turn, and the others in later ones", () => {
    const { budget, clock, shed, consumer, turn } = bench();
    for (let n = 0; n < 4000; n += 1) consumer(`${n}`, 0.0005 * LIMIT);
    expect(budget.used).toBeCloseTo(2 * LIMIT, -3);
    turn();
    expect(shed).toHaveLength(32);
    clock.advance(0);
    expect(budget.used).toBeLessThanOrEqual(LIMIT);
  });

  test("where ending a receiver would free too little, the budget looks again only when more comes", () => {
    const { clock, shed, consumer, turn } = bench(1_000_000);
    for (let n = 0; n < 1000; n += 1) consumer(`${n}`, 2000);
    turn();
    expect(shed).toEqual([]);
    clock.advance(10_000);
    expect(clock.pending).toBe(0);
  });

  test("a turn over 20,000 receivers is short", () => {
    const { shed, consumer, turn } = bench();
    for (let n = 0; n < 20_000; n += 1) consumer(`${n}`, 0.000_06 * LIMIT, n % 5000);
    const times: number[] = [];
    for (let run = 1; run <= 5; run += 1) {
      times.push(leastTime(turn, 1));
      expect(shed).toHaveLength(32 * run);
      consumer("another", 6000);
    }
    expect(Math.min(...times)).toBeLessThan(20);
  });
});

test("receivers that keep next to nothing are not examined, and without others there is no timer", () => {
  const { budget, clock, consumer, looks } = bench();
  const one = consumer("one", 4096);
  consumer("little", 4095);
  clock.advance(1000);
  expect(looks()).toBe(1);
  budget.change(one, 0);
  clock.advance(1000);
  expect(clock.pending).toBe(0);
  expect(looks()).toBe(1);
});

test("without a budget memory is never short", () => {
  const { budget, consumer, turn, shed } = bench(Infinity);
  consumer("one", 1e12);
  turn();
  expect([budget.near, budget.mark, shed.length]).toEqual([false, Infinity, 0]);
});
