import { expect, test } from "vitest";
import { once } from "./compile-once.ts";
import { Memory } from "./memory.ts";

test("one settings object is compiled once for each use, over all configs that have it", () => {
  const memory = new Memory();
  const settings = { limit: 1 };
  let made = 0;
  const compiled = (what: string, of: object): number => once(memory, what, of, () => (made += 1));
  expect([compiled("deny", settings), compiled("deny", settings)]).toEqual([1, 1]);
  memory.commit();
  expect(compiled("deny", settings)).toBe(1);
  expect(compiled("origins", settings)).toBe(2);
  expect(compiled("deny", { ...settings })).toBe(3);
});

test("a config that is rolled back does not make the settings in force compile anew", () => {
  const memory = new Memory();
  const settings = {};
  const first = once(memory, "deny", settings, () => ({}));
  memory.commit();
  once(memory, "deny", {}, () => ({}));
  memory.rollback();
  expect(once(memory, "deny", settings, () => ({}))).toBe(first);
});

test("undefined is a value too, and is not made again", () => {
  const memory = new Memory();
  let made = 0;
  const settings = {};
  const make = (): undefined => void (made += 1);
  once(memory, "deny", settings, make);
  once(memory, "deny", settings, make);
  expect(made).toBe(1);
});
