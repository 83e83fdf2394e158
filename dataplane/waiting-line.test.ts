import { expect, test } from "vitest";
import { LinkedList } from "./linked-list.ts";
import { WaitingLine, type Party } from "./waiting-line.ts";

const party = (): Party<string> => ({ waiting: new LinkedList(), turn: undefined });

/** Takes one out, of the party whose turn it is. */
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

test("one that leaves is passed over, wherever it stands, and may say so twice", () => {
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

test("entering and leaving take no longer the more there are", () => {
  const time = (count: number): number => {
    const start = performance.now();
    const line = new WaitingLine<number, Party<number>>();
    const parties = Array.from({ length: count / 4 }, (): Party<number> => ({
      waiting: new LinkedList(),
      turn: undefined,
    }));
    const links = parties.flatMap((one) => Array.from({ length: 4 }, (_, n) => ({ one, link: line.push(one, n) })));
    for (const { one, link } of links.filter((_, n) => n % 2 === 1)) line.remove(one, link);
    for (let next = line.next(); next !== undefined; next = line.next()) line.take(next);
    return performance.now() - start;
  };
  time(20_000);
  const least = (count: number): number => Math.min(...Array.from({ length: 5 }, () => time(count)));
  expect(least(160_000)).toBeLessThan(least(20_000) * 8 * 4 + 5);
});
