import { expect, test } from "vitest";
import { patched } from "../../test/fakes/json-patch.ts";
import { entryEdits, itemEdits, pointer } from "./json-patch.ts";

test("a pointer escapes what RFC 6901 escapes, the tilde first", () => {
  expect(pointer("a/b", "c~d", 0, "~1", "")).toBe("/a~1b/c~0d/0/~01/");
});

test.each<[string, Record<string, string> | undefined, Record<string, string | undefined>, number]>([
  ["are made with their map", undefined, { "a/b": "1", "c~": undefined }, 1],
  ["that are to be gone need no map", undefined, { a: undefined }, 0],
  [
    "are added, replaced and removed one by one",
    { "a/b": "0", "c~": "x", kept: "y" },
    { "a/b": "1", "c~": undefined, d: "2" },
    3,
  ],
  ["that are as wanted stay", { a: "1" }, { a: "1", b: undefined }, 0],
  ["of an object's prototype are added like others", {}, { constructor: "1", toString: undefined }, 1],
])("entries %s", (_, before, wanted, operations) => {
  const edits = entryEdits("/map", before, wanted);
  expect(edits).toHaveLength(operations);
  const { map = {} } = patched<{ map?: object }>({ ...(before && { map: before }) }, edits);
  const after = Object.entries({ ...before, ...wanted }).filter(([, value]) => value !== undefined);
  expect(map).toEqual(Object.fromEntries(after));
});

test.each<[string, string[] | undefined, number[], "Anywhere" | "AtTheEnd", string[], number]>([
  ["where there is no list", undefined, [], "AtTheEnd", ["X", "Y"], 1],
  ["in an empty list", [], [], "AtTheEnd", ["X", "Y"], 2],
  ["where they are", ["a", "X", "Y"], [1, 2], "AtTheEnd", ["a", "X", "Y"], 0],
  ["where they are, with others behind them", ["X", "a", "Y", "b"], [0, 2], "Anywhere", ["X", "a", "Y", "b"], 0],
  ["and moved to the end", ["X", "Y", "a"], [0, 1], "AtTheEnd", ["a", "X", "Y"], 4],
  ["in place of others", ["x", "a", "y", "b", "z"], [0, 2, 4], "Anywhere", ["a", "b", "X", "Y"], 5],
])("items are put %s", (_, before, ours, place, after, operations) => {
  const edits = itemEdits("/list", before, ours, ["X", "Y"], place);
  expect(edits).toHaveLength(operations);
  expect(patched<object>(before === undefined ? {} : { list: before }, edits)).toEqual({ list: after });
});
