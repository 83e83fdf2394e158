import { expect, test } from "vitest";
import { KeptRefusals } from "./kept-refusals.ts";

test("the last 1,000 refusals are kept, of two million characters together, and no other event", () => {
  const kept = new KeptRefusals();
  kept.take("handshake", { status: 101 }, 10);
  kept.take("closed", { status: 401 }, 10);
  for (let n = 0; n < 5000; n += 1) kept.take("handshake", { status: 401, n }, 100);
  expect(kept.events).toHaveLength(1000);
  expect(kept.events[0]).toEqual({ status: 401, n: 4000, past: true });
  for (let n = 0; n < 100; n += 1) kept.take("handshake", { status: 401, n }, 400_000);
  expect(kept.events.map((event) => "n" in event && event.n)).toEqual([95, 96, 97, 98, 99]);
  kept.take("handshake", { status: 401, n: 100 }, 600_000);
  expect(kept.events).toHaveLength(5);
});
