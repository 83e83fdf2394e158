import { expect, test } from "vitest";
import { LinkedList } from "./linked-list.ts";
import { WaitingLine, type Lane } from "./waiting-line.ts";

const lane = <T = string>(): Lane<T> => ({ waiting: new LinkedList(), turn: undefined });

/** Takes out one entry of the lane that is next. */
function take(line: WaitingLine<string, Lane<string>>): string | undefined {
  const next = line.next();
  return next && line.take(next);
}

test("within a lane it is first come, first served; between lanes one of each in turn", () => {
  const line = new WaitingLine<string, Lane<string>>();
  const [a, b, c] = [lane(), lane(), lane()];
  for (const one of ["a1", "a2", "a3"]) line.push(a, one);
  line.push(b, "b1");
  line.push(c, "c1");
  expect([line.size, line.lanes]).toEqual([5, 3]);
  expect(Array.from({ length: 6 }, () => take(line))).toEqual(["a1", "b1", "c1", "a2", "a3", undefined]);
  expect([line.size, line.lanes]).toEqual([0, 0]);
});

test("an entry that leaves is passed over, wherever it stands, and may leave twice", () => {
  const line = new WaitingLine<string, Lane<string>>();
  const [a, b] = [lane(), lane()];
  line.push(a, "a1");
  const second = line.push(a, "a2");
  line.push(a, "a3");
  const only = line.push(b, "b1");
  line.remove(a, second);
  line.remove(a, second);
  line.remove(b, only);
  expect([line.size, line.lanes]).toEqual([2, 1]);
  expect([take(line), take(line), take(line)]).toEqual(["a1", "a3", undefined]);
  line.push(b, "b2");
  expect(take(line)).toBe("b2");
});

test("the greediest of the lanes is the one with the most in the line, and the order stays fair", () => {
  const line = new WaitingLine<string, Lane<string>>();
  expect(line.greediest()).toBeUndefined();
  const [a, b, c] = [lane(), lane(), lane()];
  line.push(a, "a1");
  for (const one of ["b1", "b2", "b3"]) line.push(b, one);
  for (const one of ["c1", "c2"]) line.push(c, one);
  expect(line.greediest()).toBe(b);
  expect([line.size, line.lanes]).toEqual([6, 3]);
  expect(new Set([take(line), take(line), take(line)])).toEqual(new Set(["a1", "b1", "c1"]));
});

test("of many lanes the next 16 are compared, and the others after them", () => {
  const line = new WaitingLine<string, Lane<string>>();
  const lanes = Array.from({ length: 32 }, lane);
  for (const one of lanes) line.push(one, "first");
  for (const at of [15, 16]) line.push(lanes[at] as Lane<string>, "second");
  line.push(lanes[16] as Lane<string>, "third");
  expect(line.greediest()).toBe(lanes[15]);
  expect(line.greediest()).toBe(lanes[16]);
});

test("entering, leaving and being taken cost no more where many stand in the line", () => {
  /** CPU for 4,000 of each beside so many others, in µs. */
  const cost = (others: number): number => {
    const line = new WaitingLine<number, Lane<number>>();
    for (let n = 0; n < others; n += 4) {
      const one = lane<number>();
      for (let k = 0; k < 4; k += 1) line.push(one, k);
    }
    const comers = Array.from({ length: 1000 }, () => lane<number>());
    const start = process.threadCpuUsage();
    for (let round = 0; round < 4; round += 1) {
      for (const one of comers) {
        line.remove(one, line.push(one, round));
        line.push(one, round);
        const next = line.next();
        if (next !== undefined) line.take(next);
      }
    }
    const { user, system } = process.threadCpuUsage(start);
    return user + system;
  };
  const least = (others: number): number => Math.min(...Array.from({ length: 9 }, () => cost(others)));
  least(1000);
  expect(least(50_000)).toBeLessThan(10 * (least(1000) + 200)); // 50 times as much were it to look at all
});
