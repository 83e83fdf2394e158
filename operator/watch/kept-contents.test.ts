import fc from "fast-check";
import { expect, test } from "vitest";
import { KeptContents } from "./kept-contents.ts";

const weighed = (value: string, weight: number): { value: string; weight: number } => ({ value, weight });

test("what does not fit pushes out what the proxy with most of it looked at longest ago, never what others need", () => {
  const kept = new KeptContents(1000, 900);
  kept.put("small", "s", weighed("s", 100));
  for (let at = 0; at < 10; at += 1) kept.put("large", `l${at}`, weighed("l", 300));
  expect(kept.get("small", "s")?.value).toBe("s");
  expect(["l6", "l7", "l8", "l9"].map((key) => kept.get("large", key)?.value)).toEqual([undefined, "l", "l", "l"]);
  expect([kept.size, kept.weight]).toEqual([4, 1000]);
});

test("what is larger than one may be is not kept, and pushes nothing out", () => {
  const kept = new KeptContents(1000, 900);
  kept.put("a", "one", weighed("1", 900));
  kept.put("a", "huge", weighed("2", 901));
  expect([kept.get("a", "one")?.value, kept.get("a", "huge")]).toEqual(["1", undefined]);
});

test("what a proxy did not look at in its last pass is dropped, unless another one does", () => {
  const kept = new KeptContents(1000, 900);
  kept.begin("a");
  kept.put("a", "mine", weighed("m", 10));
  kept.put("a", "ours", weighed("o", 10));
  kept.get("b", "ours");
  kept.begin("a");
  expect(kept.size).toBe(2);
  kept.begin("a");
  expect([kept.get("a", "mine"), kept.get("b", "ours")?.value]).toEqual([undefined, "o"]);
  kept.forget("b");
  expect([kept.size, kept.weight]).toEqual([0, 0]);
});

test("whatever is done, the weight is that of what is kept, and within the budget", () => {
  const name = fc.constantFrom("a", "b", "c");
  const step = fc.oneof(
    fc.record({ do: fc.constant("put" as const), proxy: name, key: fc.nat(9), weight: fc.nat(400) }),
    fc.record({
      do: fc.constantFrom("get" as const, "begin" as const, "forget" as const),
      proxy: name,
      key: fc.nat(9),
    }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const kept = new KeptContents(1000, 900);
      const weights = new Map<string, number>();
      for (const it of steps) {
        const key = String(it.key);
        if (it.do === "put") {
          kept.put(it.proxy, key, weighed(key, it.weight));
          weights.set(key, it.weight);
        } else if (it.do === "get") kept.get(it.proxy, key);
        else if (it.do === "begin") kept.begin(it.proxy);
        else kept.forget(it.proxy);
      }
      const there = [...weights].filter(([key]) => kept.get("a", key) !== undefined);
      expect(kept.size).toBe(there.length);
      expect(kept.weight).toBe(there.reduce((sum, [, weight]) => sum + weight, 0));
      expect(kept.weight).toBeLessThanOrEqual(1000);
      for (const proxy of ["a", "b", "c"]) kept.forget(proxy);
      expect([kept.size, kept.weight]).toEqual([0, 0]);
    }),
  );
});
