import fc from "fast-check";
import { expect, test } from "vitest";
import { BucketTable, local } from "./buckets.ts";
import { Subjects } from "./subjects.ts";

const shape = { limit: 2, interval: 1000, burst: 2 };

test("a flood at one limit makes that limit forget its own subjects, and none of a limit that has few", () => {
  const subjects = new Subjects({ most: 1000, mostEach: 900 });
  const [quiet, flooded, other] = [0, 1, 2].map(() => new BucketTable(shape, subjects, local)) as [
    BucketTable,
    BucketTable,
    BucketTable,
  ];
  for (let n = 0; n < 100; n += 1) quiet.of(`q${n}`, 0).force(2, 0);
  for (let n = 0; n < 5000; n += 1) {
    flooded.of(`f${n}`, 0);
    if (n > 2500) other.of(`o${n}`, 0);
  }
  expect(subjects.size).toBe(1000);
  expect([quiet.size, flooded.size + other.size]).toEqual([100, 900]);
  expect(Math.max(flooded.size, other.size)).toBeLessThan(600);
  expect(Array.from({ length: 100 }, (_, n) => quiet.of(`q${n}`, 0).available(0))).toEqual(Array(100).fill(0));
  expect(subjects.forgotten.process).toBeGreaterThan(2000);
});

test("subjects that take more room are fewer, for one limit and for all", () => {
  const subjects = new Subjects({ most: 30, mostEach: 24 });
  const large = new BucketTable(shape, subjects, local, 3);
  for (let n = 0; n < 20; n += 1) large.of(`l${n}`, 0);
  expect([large.size, subjects.size, subjects.forgotten]).toEqual([8, 8, { limit: 12, process: 0 }]);
  const small = new BucketTable(shape, subjects, local);
  for (let n = 0; n < 12; n += 1) small.of(`s${n}`, 0);
  expect(3 * large.size + small.size).toBeLessThanOrEqual(30);
  expect([small.size, large.size]).toEqual([12, 6]);
  large[Symbol.dispose]();
  for (let n = 0; n < 24; n += 1) small.of(`t${n}`, 0);
  expect([small.size, subjects.size, subjects.forgotten.process]).toEqual([24, 24, 2]);
});

test("limits that go away make room again", () => {
  const subjects = new Subjects({ most: 10, mostEach: 10 });
  const [gone, stays] = [new BucketTable(shape, subjects, local), new BucketTable(shape, subjects, local)];
  for (let n = 0; n < 10; n += 1) gone.of(`g${n}`, 0);
  gone[Symbol.dispose]();
  for (let n = 0; n < 10; n += 1) stays.of(`s${n}`, 0);
  expect([subjects.size, stays.size, subjects.forgotten.process]).toEqual([10, 10, 0]);
});

test("the sum is right and the bounds hold, whatever subjects come and go", () => {
  const step = fc.record({ table: fc.nat(4), subject: fc.nat(30), over: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const subjects = new Subjects({ most: 20, mostEach: 12 });
      const tables = Array.from({ length: 5 }, () => new BucketTable(shape, subjects, local));
      for (const { table, subject, over } of steps) {
        if (over && subject === 0) {
          tables[table]?.[Symbol.dispose]();
          tables[table] = new BucketTable(shape, subjects, local);
        } else tables[table]?.of(String(subject), 0);
        expect(subjects.size).toBe(tables.reduce((sum, { size }) => sum + size, 0));
        expect(subjects.size).toBeLessThanOrEqual(20);
        for (const { size } of tables) expect(size).toBeLessThanOrEqual(12);
      }
    }),
  );
});
