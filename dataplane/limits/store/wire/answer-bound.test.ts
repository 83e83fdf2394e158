import { expect, test } from "vitest";
import { AnswerBound } from "./answer-bound.ts";

const holds = (...texts: string[]): boolean[] => {
  const bound = new AnswerBound();
  return texts.map((text) => bound.holds(Buffer.from(text)));
};

test("answers to our scripts are within it, in whatever pieces they come", () => {
  const text = "*3\r\n:1\r\n:0\r\n:1700000000000\r\n%1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n*99999\r\n";
  expect(holds(text.repeat(1_000))).toEqual([true]);
  expect(new Set(holds(...text.repeat(3)))).toEqual(new Set([true]));
  expect(holds("-ERR 2*1000000\r\n", "$8\r\n>1000001\r\n".slice(0, 5))).toEqual([true, true]);
});

test.each(["*", "~", ">", "%", "|"])("a length of a million behind %s is not", (type) => {
  expect(holds(`${type}1000000\r\n`)).toEqual([false]);
  expect(holds(`:1\r\n${type}`, "100", "000", "0\r\n")).toEqual([true, true, false, false]);
});

test("bytes count up to the next whole answer", () => {
  const bound = new AnswerBound();
  const part = Buffer.alloc(600_000, "a");
  expect(bound.holds(part)).toBe(true);
  bound.answered();
  expect([bound.holds(part), bound.holds(part)]).toEqual([true, false]);
});
