import { expect, test } from "vitest";
import { isRecord, list, record } from "./unchecked.ts";

test.each([[undefined], [null], [1], ["text"], [[{ a: 1 }]]])("%j has no fields", (value) => {
  expect([isRecord(value), record(value)]).toEqual([false, {}]);
});

test.each([[undefined], [null], ["text"], [{ 0: "a", length: 1 }]])("%j has no items", (value) => {
  expect(list(value)).toEqual([]);
});

test("an object keeps its fields, a list its items", () => {
  expect([record({ a: 1 }), list([1, "b"])]).toEqual([{ a: 1 }, [1, "b"]]);
});
