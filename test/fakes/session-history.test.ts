import { expect, test } from "vitest";
import { admittedAbove, highest, PodPast, type Held } from "./session-history.ts";
import type { Visit } from "./visits.ts";

const counting = new PodPast();
counting.sure(0n);

const held = (asked: bigint, answered: bigint, ended?: bigint, pod = counting): Held => ({
  visit: { asked, answered, ended } as unknown as Visit,
  pod,
  subjects: ["alice"],
});

test("the most sessions in one moment are counted by the clients' clock, an end before a start of the same moment", () => {
  expect(highest([held(1n, 2n, 10n), held(8n, 10n, 12n)], "alice")).toBe(1);
  expect(highest([held(8n, 9n, 12n), held(1n, 2n, 10n)], "alice")).toBe(2);
  expect(highest([held(1n, 2n)], "bob")).toBe(0);
});

test("a handshake is admitted above the limit if the limit was held from its question to its answer", () => {
  const limits = new Map([["alice", 1]]);
  expect(admittedAbove([held(1n, 2n), held(3n, 4n)], limits)).toEqual(["alice: one was admitted beside 1 of 1"]);
  expect(admittedAbove([held(1n, 2n, 4n), held(3n, 5n)], limits)).toEqual([]);
  expect(admittedAbove([held(1n, 3n), held(2n, 4n)], limits)).toEqual([]);
});

test("a pod that may not have counted holds nothing", () => {
  const limits = new Map([["alice", 1]]);
  const cut = new PodPast();
  cut.sure(5n);
  cut.doubt(3n);
  cut.sure(0n);
  cut.hole(7n, 8n);
  const above = (asked: bigint, answered: bigint): number =>
    admittedAbove([held(1n, 1n, undefined, cut), held(asked, answered)], limits).length;
  expect([above(2n, 2n), above(2n, 3n), above(3n, 4n), above(5n, 6n), above(6n, 7n), above(9n, 9n)]).toEqual([
    1, 0, 0, 1, 0, 1,
  ]);
});
