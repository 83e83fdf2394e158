import fc from "fast-check";
import { expect, test } from "vitest";
import { Recent } from "./recent.ts";

const all = (recent: Recent<number>): number[] => [...recent.values()];

test("the entries are in the order in which they were last asked for", () => {
  const recent = new Recent<number>();
  for (const n of [1, 2, 3]) recent.set(String(n), n);
  expect(all(recent)).toEqual([1, 2, 3]);
  expect(recent.get("1")).toBe(1);
  expect(recent.get("none")).toBeUndefined();
  expect(all(recent)).toEqual([2, 3, 1]);
  recent.set("2", 4);
  expect(all(recent)).toEqual([3, 1, 4]);
  expect([recent.dropOldest(), recent.dropOldest(), recent.size]).toEqual([3, 1, 1]);
  recent.delete("2");
  expect([all(recent), recent.size, recent.dropOldest()]).toEqual([[], 0, undefined]);
});

test("after any calls it equals a plain list kept beside it", () => {
  const key = fc.constantFrom("a", "b", "c", "d");
  const step = fc.oneof(
    fc.tuple(fc.constant("set"), key, fc.nat()),
    fc.tuple(fc.constantFrom("get", "delete", "drop"), key, fc.constant(0)),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const recent = new Recent<number>();
      let list: [string, number][] = [];
      for (const [what, name, value] of steps) {
        const [known] = list.filter(([it]) => it === name);
        if (what === "drop") {
          expect(recent.dropOldest()).toBe(list[0]?.[1]);
          list = list.slice(1);
          continue;
        }
        if (what === "get") expect(recent.get(name)).toBe(known?.[1]);
        if (what === "set") recent.set(name, value);
        if (what === "delete") recent.delete(name);
        const left = list.filter(([it]) => it !== name);
        const now = what === "set" ? [name, value] : what === "get" ? known : undefined;
        list = now === undefined ? left : [...left, now as [string, number]];
      }
      expect(all(recent)).toEqual(list.map(([, value]) => value));
      expect(recent.size).toBe(list.length);
    }),
  );
});
