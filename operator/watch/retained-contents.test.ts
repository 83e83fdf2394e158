import fc from "fast-check";
import { expect, test } from "vitest";
import { RetainedContents } from "./retained-contents.ts";

const weighed = (value: string, weight: number): { value: string; weight: number } => ({ value, weight });

test("beyond the budget the proxy that uses most bytes loses its least recently used entry, and no other proxy loses one", () => {
  const retained = new RetainedContents(1000, 900);
  retained.put("small", "s", weighed("s", 100));
  for (let at = 0; at < 10; at += 1) retained.put("large", `l${at}`, weighed("l", 300));
  expect(retained.get("small", "s")?.value).toBe("s");
  expect(["l6", "l7", "l8", "l9"].map((key) => retained.get("large", key)?.value)).toEqual([undefined, "l", "l", "l"]);
  expect([retained.size, retained.weight]).toEqual([4, 1000]);
});

test("an entry that is too large is not retained, and pushes nothing out", () => {
  const retained = new RetainedContents(1000, 900);
  retained.put("a", "one", weighed("1", 900));
  retained.put("a", "huge", weighed("2", 901));
  expect([retained.get("a", "one")?.value, retained.get("a", "huge")]).toEqual(["1", undefined]);
});

test("an entry that a proxy did not use in its last pass is dropped, unless another proxy uses it", () => {
  const retained = new RetainedContents(1000, 900);
  retained.begin("a");
  retained.put("a", "mine", weighed("m", 10));
  retained.put("a", "ours", weighed("o", 10));
  retained.get("b", "ours");
  retained.begin("a");
  expect(retained.size).toBe(2);
  retained.begin("a");
  expect([retained.get("a", "mine"), retained.get("b", "ours")?.value]).toEqual([undefined, "o"]);
  retained.forget("b");
  expect([retained.size, retained.weight]).toEqual([0, 0]);
});

test("after any calls, the weight is that of all entries, and within the budget", () => {
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
      const retained = new RetainedContents(1000, 900);
      const weights = new Map<string, number>();
      for (const it of steps) {
        const key = String(it.key);
        if (it.do === "put") {
          retained.put(it.proxy, key, weighed(key, it.weight));
          weights.set(key, it.weight);
        } else if (it.do === "get") retained.get(it.proxy, key);
        else if (it.do === "begin") retained.begin(it.proxy);
        else retained.forget(it.proxy);
      }
      const there = [...weights].filter(([key]) => retained.get("a", key) !== undefined);
      expect(retained.size).toBe(there.length);
      expect(retained.weight).toBe(there.reduce((sum, [, weight]) => sum + weight, 0));
      expect(retained.weight).toBeLessThanOrEqual(1000);
      for (const proxy of ["a", "b", "c"]) retained.forget(proxy);
      expect([retained.size, retained.weight]).toEqual([0, 0]);
    }),
  );
});
