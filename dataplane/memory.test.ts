import { expect, test } from "vitest";
import { Memory } from "./memory.ts";

test("what is recalled again is the same, and what is not recalled is forgotten at the commit", () => {
  const memory = new Memory();
  const first = memory.recall("a", () => ({}));
  memory.recall("b", () => ({}));
  memory.commit();
  expect(memory.recall("a", () => ({}))).toBe(first);
  memory.commit();
  const b = {};
  expect(memory.recall("b", () => b)).toBe(b);
});

test("two that recall one key within one compile get the same value", () => {
  const memory = new Memory();
  expect(memory.recall("a", () => ({}))).toBe(memory.recall("a", () => ({})));
});

test("a rollback keeps what is in force and forgets what was new", () => {
  const memory = new Memory();
  const first = memory.recall("a", () => ({}));
  memory.commit();
  const lost = memory.recall("new", () => ({}));
  memory.rollback();
  expect(memory.recall("a", () => ({}))).toBe(first);
  expect(memory.recall("new", () => ({}))).not.toBe(lost);
});

test("changes are made at the commit, once, and not at all after a rollback", () => {
  const memory = new Memory();
  const made: string[] = [];
  memory.onCommit(() => made.push("lost"));
  memory.rollback();
  memory.onCommit(() => made.push("kept"));
  expect(made).toEqual([]);
  memory.commit();
  memory.commit();
  expect(made).toEqual(["kept"]);
});

test("a value that is forgotten is released once, and one that is kept is not", () => {
  const memory = new Memory();
  const told: string[] = [];
  const value = (name: string) => (): Disposable => ({ [Symbol.dispose]: () => void told.push(name) });
  memory.recall("kept", value("kept"));
  memory.recall("gone", value("gone"));
  memory.commit();
  memory.recall("kept", value("another"));
  memory.rollback();
  expect(told).toEqual([]);
  memory.recall("kept", value("another"));
  memory.commit();
  expect(told).toEqual(["gone"]);
  memory.clear();
  memory.clear();
  expect(told).toEqual(["gone", "kept"]);
});

test("what a part recalled is kept by its keys, without compiling it again", () => {
  const memory = new Memory();
  const { value, keys } = memory.recorded(() => [memory.recall("a", () => ({})), memory.recall("b", () => ({}))]);
  memory.recall("other", () => ({}));
  memory.commit();
  expect(keys).toEqual(["a", "b"]);
  memory.keep(keys);
  memory.commit();
  expect(["a", "b", "other"].map((key) => memory.recall<unknown>(key, () => "new"))).toEqual([...value, "new"]);
});
