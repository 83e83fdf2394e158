import { beforeEach, expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { settle } from "../../test/fakes/idp-bench.ts";
import { FairLine, type LineBounds } from "./fair-line.ts";

const BOUNDS: LineBounds = { atOnce: 8, share: 2, unshared: 4, waiting: 12, waitingEach: 10, patience: 1000 };
const { signal } = new AbortController();

let clock: FakeClock;
let line: FairLine;
/** What each caller was told, in that order: `a1 go`, `a2 TooManyWaiting`. */
let told: string[];
let turns: (() => void)[];

beforeEach(() => {
  clock = new FakeClock();
  line = new FairLine(BOUNDS, clock);
  told = [];
  turns = [];
});

async function come(subject: string, name: string, leaving = signal): Promise<void> {
  const outcome = await line.enter(subject, leaving);
  if (typeof outcome === "function") turns.push(outcome);
  told.push(`${name} ${typeof outcome === "function" ? "go" : outcome}`);
}

/** So many of one subject, named by number. */
async function crowd(subject: string, count: number): Promise<void> {
  for (let n = 1; n <= count; n += 1) void come(subject, `${subject}${n}`);
  await settle();
}

/** Gives back the turns that were taken first. */
async function over(count = 1): Promise<void> {
  for (const back of turns.splice(0, count)) {
    back();
    await settle();
  }
}

const go = (...names: string[]): string[] => names.map((name) => `${name} go`);

test("one subject takes no more than half of the turns, and the others find theirs", async () => {
  await crowd("a", 10);
  expect(told).toEqual(go("a1", "a2", "a3", "a4"));
  await crowd("b", 3);
  await crowd("c", 3);
  expect(told.slice(4)).toEqual(go("b1", "b2", "c1", "c2"));
  expect(line.waiting).toBe(8);
});

test("turns go round among the subjects that wait, and none gets more than its share meanwhile", async () => {
  for (const subject of "stuvwxyz") await crowd(subject, 1);
  await crowd("a", 3);
  await crowd("b", 2);
  await crowd("c", 1);
  told = [];
  await over(8);
  expect(told).toEqual(go("a1", "b1", "c1", "a2", "b2"));
  expect(line.waiting).toBe(1);
  await over(2);
  expect(told.slice(5)).toEqual(go("a3"));
});

test("with the line full, the newest of the subject with the most is refused", async () => {
  await crowd("a", 14);
  expect(line.waiting).toBe(10);
  await crowd("b", 4);
  await crowd("c", 2);
  expect(line.waiting).toBe(12);
  told = [];
  await crowd("d", 2);
  // No turn was left for d: it has two places now, and the two newest of a are gone.
  expect(told).toEqual(["a14 TooManyWaiting", "a13 TooManyWaiting"]);
  expect(line.waiting).toBe(12);
});

test("a subject has so many slots and no more, however empty the line is", async () => {
  await crowd("a", 15);
  expect(told.slice(4)).toEqual(["a15 TooManyWaiting"]);
});

test("with the line full of subjects with equally many, the newcomer is refused", async () => {
  for (const subject of "abcdefgh") await crowd(subject, 1);
  for (const subject of "ijklmnopqrst") await crowd(subject, 1);
  expect(line.waiting).toBe(12);
  told = [];
  await crowd("u", 1);
  expect(told).toEqual(["u1 TooManyWaiting"]);
});

test("a caller waits no longer than the patience of the line", async () => {
  await crowd("a", 5);
  clock.advance(999);
  await settle();
  expect(told).toHaveLength(4);
  clock.advance(1);
  await settle();
  expect(told.slice(4)).toEqual(["a5 WaitedTooLong"]);
  expect([line.waiting, clock.pending]).toEqual([0, 0]);
});

test("a client that leaves gives its place back, and takes no turn", async () => {
  await crowd("a", 4);
  const leaving = new AbortController();
  void come("a", "leaving", leaving.signal);
  void come("a", "next");
  leaving.abort();
  await over();
  expect(told.slice(4)).toEqual(["leaving Left", "next go"]);
  expect(await line.enter("b", AbortSignal.abort())).toBe("Left");
  expect([line.waiting, clock.pending]).toEqual([0, 0]);
});

test("a turn that is given back counts for its subject no more", async () => {
  for (let round = 0; round < 20; round += 1) {
    await crowd("a", 4);
    expect(turns).toHaveLength(4);
    await over(4);
  }
  expect(line.waiting).toBe(0);
});
