import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { EarlyBytes } from "./early-bytes.ts";
import { BufferBudget } from "../process/buffer-budget.ts";

test("in one turn 100 handshakes are refused, of those that sent no less than the average", () => {
  const budget = new BufferBudget({ limit: 1_000_000, clock: new FakeClock() });
  const underWay = new Set<{ early: number; shed: () => void }>();
  const refused: number[] = [];
  for (const early of [...Array<number>(50).fill(10), ...Array<number>(250).fill(1000)]) {
    const handshake = {
      early,
      shed: () => {
        refused.push(early);
        underWay.delete(handshake);
      },
    };
    underWay.add(handshake);
  }
  const bytes = new EarlyBytes(underWay, budget);
  bytes.look();
  expect(budget.used).toBe(250_500);
  bytes.shed();
  expect([refused.length, budget.used]).toEqual([100, 150_500]);
  bytes.shed();
  bytes.shed();
  expect([refused.length, new Set(refused), budget.used]).toEqual([250, new Set([1000]), 500]);
});
