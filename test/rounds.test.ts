import { expect, test } from "vitest";
import { tooMuchInEachRound } from "./fakes/rounds.ts";

const inTurn = (rounds: readonly { turn: number; probe: number }[]) => {
  let asked = 0;
  return { round: () => Promise.resolve(rounds[asked++] ?? expect.fail("no more rounds")), asked: () => asked };
};
const bounds = { turn: 50, probe: 250 };

test("one round is enough where each figure stays below its bound", async () => {
  const it = inTurn([{ turn: 49, probe: 249 }]);
  expect(await tooMuchInEachRound(bounds, it.round)).toEqual({});
  expect(it.asked()).toBe(1);
});

test("figures that stay below their bounds in different rounds are not too much", async () => {
  const it = inTurn([
    { turn: 49, probe: 900 },
    { turn: 80, probe: 240 },
  ]);
  expect(await tooMuchInEachRound(bounds, it.round)).toEqual({});
});

test("a figure that reaches its bound in three rounds is too much, and is told with its least value", async () => {
  const it = inTurn([
    { turn: 60, probe: 1 },
    { turn: 50, probe: 1 },
    { turn: 70, probe: 1 },
  ]);
  expect(await tooMuchInEachRound(bounds, it.round)).toEqual({ turn: 50 });
  expect(it.asked()).toBe(3);
});
