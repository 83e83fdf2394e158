import { expect, test } from "vitest";
import { besideSlowConsumers } from "../bench/slow-consumers.ts";
import { tooMuchInEachRound } from "../fakes/rounds.ts";

test("a hundred clients that read nothing do not slow down the others", async () => {
  // The machine's own noise is in these figures: the bench measures it. In ms.
  const more = async (): Promise<{ median: number; p99: number }> => {
    const { before, during } = await besideSlowConsumers({ healthy: 100, slow: 100, ms: 1000 });
    return { median: during.median - 3 * before.median, p99: during.p99 - 5 * before.p99 };
  };
  expect(await tooMuchInEachRound({ median: 5, p99: 50 }, more)).toEqual({});
});
