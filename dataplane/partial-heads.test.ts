import { expect, test } from "vitest";
import { FakeClock } from "../test/fakes/clock.ts";
import type { Newcomer } from "./newcomer.ts";
import { PartialHeads } from "./partial-heads.ts";
import { BufferBudget } from "./tunnel/buffer-budget.ts";

const head = (bytes: number, begun = true): Newcomer => {
  const socket = { bytesRead: bytes };
  return { socket, talker: socket, begun } as Newcomer;
};

test("in one turn 100 heads are given up, of those that are no smaller than the average", () => {
  const clock = new FakeClock();
  const budget = new BufferBudget({ limit: 4_000_000, clock });
  const sizes = [...Array<number>(50).fill(10), ...Array<number>(250).fill(1000)];
  const entries = new Set([...sizes.map((size) => head(size)), head(0, false)]);
  const given: number[] = [];
  const giveUp = (one: Newcomer): void => {
    given.push(one.socket.bytesRead);
    entries.delete(one);
  };
  const heads = new PartialHeads({ entries, giveUp }, budget);
  heads.begun();
  clock.advance(1000);
  expect(budget.used).toBe(4 * 250_500);
  heads.shed();
  expect([given.length, budget.used]).toEqual([100, 4 * 150_500]);
  heads.shed();
  heads.shed();
  expect([given.length, new Set(given), budget.used]).toEqual([250, new Set([1000]), 4 * 500]);
  entries.clear();
  clock.advance(1000);
  expect([budget.used, clock.pending]).toEqual([0, 0]);
});
