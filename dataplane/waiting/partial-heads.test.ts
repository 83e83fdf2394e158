import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import type { Newcomer } from "./newcomer.ts";
import { PartialHeads } from "./partial-heads.ts";
import { BufferBudget } from "../process/buffer-budget.ts";

const head = (bytes: number, { begun = true, tls = false } = {}): Newcomer => {
  const socket = { bytesRead: bytes };
  return { socket, talker: socket, begun, host: { tls } } as Newcomer;
};

test("in one turn 100 heads are given up, of those that are no smaller than the average", () => {
  const clock = new FakeClock();
  const budget = new BufferBudget({ limit: 400_000_000, clock });
  const sizes = [...Array<number>(50).fill(3000), ...Array<number>(250).fill(30_000)];
  const entries = new Set([...sizes.map((size) => head(size)), head(0, { begun: false })]);
  const given: number[] = [];
  const giveUp = (one: Newcomer): void => {
    given.push(one.socket.bytesRead);
    entries.delete(one);
  };
  const heads = new PartialHeads({ entries, giveUp }, budget);
  heads.begun();
  clock.advance(1000);
  expect(budget.used).toBe(4 * 7_650_000);
  heads.shed();
  expect([given.length, budget.used]).toEqual([100, 4 * 4_650_000]);
  heads.shed();
  heads.shed();
  expect([given.length, new Set(given), budget.used]).toEqual([250, new Set([30_000]), 4 * 150_000]);
  entries.clear();
  clock.advance(1000);
  expect([budget.used, clock.pending]).toEqual([0, 0]);
});

test("near the limit a head of less than 2 KiB is waited for, and so is a client whose TLS handshake is under way", () => {
  const budget = new BufferBudget({ limit: 10_000, clock: new FakeClock() });
  const large = head(2048);
  const entries = new Set([head(2047), large, head(5000, { tls: true })]);
  const given: Newcomer[] = [];
  const heads = new PartialHeads({ entries, giveUp: (one) => given.push(one) && entries.delete(one) }, budget);
  heads.begun();
  heads.shed();
  expect(given).toEqual([]);
  entries.delete([...entries].at(-1) as Newcomer);
  heads.shed();
  heads.shed();
  expect(given).toEqual([large]);
});
