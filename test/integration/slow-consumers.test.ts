import { expect, test } from "vitest";
import { besideSlowConsumers } from "../bench/slow-consumers.ts";

test("a hundred clients that read nothing do not slow down the others", async () => {
  const { before, during } = await besideSlowConsumers({ healthy: 100, slow: 100, ms: 1000 });
  // The machine's own noise is in this figure: the bench measures it.
  expect(during.median).toBeLessThan(3 * before.median + 5);
  expect(during.p99).toBeLessThan(5 * before.p99 + 50);
});
