import { expect, test } from "vitest";
import { BucketTable, local, OneBucket, recallBuckets } from "./buckets.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { Memory } from "../memory.ts";
import type { SessionPer } from "./subject.ts";
import { Subjects } from "./subjects.ts";

const shape = { limit: 2, interval: 1000, burst: 2 };
const table = (subjects = new Subjects()) => new BucketTable(shape, subjects, local);

test("each subject has a bucket of its own, and keeps it", () => {
  const buckets = table();
  expect(buckets.of("a", 0).take(2, 0)).toBe(true);
  expect(buckets.of("a", 0).take(1, 0)).toBe(false);
  expect(buckets.of("b", 0).take(2, 0)).toBe(true);
});

test("a changed limit holds for subjects that are known and for new ones", () => {
  const buckets = table();
  const known = buckets.of("a", 0);
  buckets.reshape({ ...shape, burst: 1 }, 0);
  expect(known.available(0)).toBe(1);
  expect(buckets.of("b", 0).available(0)).toBe(1);
});

test("a limit of one subject has one bucket, which a change keeps", () => {
  const one = new OneBucket(shape, local);
  one.of("", 0).force(2, 0);
  expect(one.of("whatever", 500).available(500)).toBe(1);
  one.reshape({ ...shape, burst: 1 }, 2000);
  expect(one.of("", 2000).available(2000)).toBe(1);
});

test("the same limit again changes nothing; another applies when the config takes force", () => {
  const [memory, clock, subjects] = [new Memory(), new FakeClock(), new Subjects()];
  const recalled = (per: SessionPer, burst: number) =>
    recallBuckets(per, per, { ...shape, burst }, { memory, clock, subjects });
  for (const per of ["Route", "Client"] as const) {
    const buckets = recalled(per, 2);
    memory.commit();
    buckets.of("a", clock.now()).force(2, clock.now());
    clock.advance(500);
    expect(recalled(per, 2)).toBe(buckets);
    memory.commit();
    expect(buckets.of("a", clock.now()).available(clock.now())).toBe(1);
    clock.advance(500);
    recalled(per, 1);
    expect(buckets.of("a", clock.now()).available(clock.now())).toBe(2);
    memory.commit();
    expect(buckets.of("a", clock.now()).available(clock.now())).toBe(1);
  }
});

test("a flood of subjects is forgotten from its oldest on, and a busy subject is not", () => {
  const subjects = new Subjects();
  const buckets = table(subjects);
  buckets.of("busy", 0).force(2, 0);
  for (let n = 0; n < 150_000; n += 1) {
    buckets.of(`n${n}`, 0).force(2, 0);
    if (n % 50_000 === 0) buckets.of("busy", 0);
  }
  expect(buckets.of("busy", 0).available(0)).toBe(0);
  expect(buckets.of("n149999", 0).available(0)).toBe(0);
  expect(buckets.of("n1", 0).available(0)).toBe(2);
  expect([subjects.size, buckets.size]).toEqual([100_000, 100_000]);
  expect(subjects.forgotten).toEqual({ limit: 50_002, process: 0 });
});

test("a limit that went away remembers no new subject, whatever a late handshake asks", () => {
  const subjects = new Subjects();
  const buckets = table(subjects);
  buckets.of("a", 0);
  buckets[Symbol.dispose]();
  buckets[Symbol.dispose]();
  expect(buckets.of("b", 0).available(0)).toBe(2);
  expect(subjects.size).toBe(0);
});
