import { expect, test } from "vitest";
import { LinkedList } from "./linked-list.ts";
import { WaitingLine, type Party } from "./waiting-line.ts";

const party = <T = string>(): Party<T> => ({ waiting: new LinkedList(), turn: undefined });

/** Takes out one entry of the party that is next. */
function take(line: WaitingLine<string, Party<string>>): string | undefined {
  const next = line.next();
  return next && line.take(next);
}

test("within a party it is first come, first served; between parties one of each in turn", () => {
  const line = new WaitingLine<string, Party<string>>();
  const [a, b, c] = [party(), party(), party()];
  for (const one of ["a1", "a2", "a3"]) line.push(a, one);
  line.push(b, "b1");
  line.push(c, "c1");
  expect([line.size, line.parties]).toEqual([5, 3]);
  expect(Array.from({ length: 6 }, () => take(line))).toEqual(["a1", "b1", "c1", "a2", "a3", undefined]);
  expect([line.size, line.parties]).toEqual([0, 0]);
});

test("an entry that leaves is passed over, wherever it stands, and may leave twice", () => {
  const line = new WaitingLine<string, Party<string>>();
  const [a, b] = [party(), party()];
  line.push(a, "a1");
  const second = line.push(a, "a2");
  line.push(a, "a3");
  const only = line.push(b, "b1");
  line.remove(a, second);
  line.remove(a, second);
  line.remove(b, only);
  expect([line.size, line.parties]).toEqual([2, 1]);
  expect([take(line), take(line), take(line)]).toEqual(["a1", "a3", undefined]);
  line.push(b, "b2");
  expect(take(line)).toBe("b2");
});

test("the greediest of the parties is the one with the most in the line, and the order stays fair", () => {
  const line = new WaitingLine<string, Party<string>>();
  expect(line.greediest()).toBeUndefined();
  const [a, b, c] = [party(), party(), party()];
  line.push(a, "a1");
  for (const one of ["b1", "b2", "b3"]) line.push(b, one);
  for (const one of ["c1", "c2"]) line.push(c, one);
  expect(line.greediest()).toBe(b);
  expect([line.size, line.parties]).toEqual([6, 3]);
  expect(new Set([take(line), take(line), take(line)])).toEqual(new Set(["a1", "b1", "c1"]));
});

test("of many parties the next 16 are compared, and the others after them", () => {
  const line = new WaitingLine<string, Party<string>>();
  const parties = Array.from({ length: 32 }, party);
  for (const one of parties) line.push(one, "first");
  for (const at of [15, 16]) line.push(parties[at] as Party<string>, "second");
  line.push(parties[16] as Party<string>, "third");
  expect(line.greediest()).toBe(parties[15]);
  expect(line.greediest()).toBe(parties[16]);
});

test("entering, leaving and being taken cost no more where many stand in the line", () => {
  /** CPU for 4,000 of each beside so many others, in µs. */
  const cost = (others: number): number => {
    const line = new WaitingLine<number, Party<number>>();
    for (let n = 0; n < others; n += 4) {
      const one = party<number>();
      for (let k = 0; k < 4; k += 1) line.push(one, k);
    }
    const comers = Array.from({ length: 1000 }, () => party<number>());
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
