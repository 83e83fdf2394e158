import { expect, test } from "vitest";
import { withDistinctEntries } from "./distinct-entries.ts";

test("an entry that stands twice in a deny list is taken once, in the spec and in routes; all else stays", () => {
  const proxy = {
    kind: "WebSocketProxy",
    spec: {
      policies: { deny: { clients: ["a", "b", "a"], addresses: ["10.0.0.1"] }, origins: { allow: ["x", "x"] } },
      routes: [
        { name: "one", policies: { deny: { tokenIds: ["t", "t"] } } },
        { name: "two", policies: { deny: { clients: ["a"] } } },
      ],
    },
  };
  expect(withDistinctEntries(proxy)).toEqual({
    kind: "WebSocketProxy",
    spec: {
      policies: { deny: { clients: ["a", "b"], addresses: ["10.0.0.1"] }, origins: { allow: ["x", "x"] } },
      routes: [
        { name: "one", policies: { deny: { tokenIds: ["t"] } } },
        { name: "two", policies: { deny: { clients: ["a"] } } },
      ],
    },
  });
});

test.each([
  {},
  { spec: "text" },
  { spec: { policies: 7, routes: "none" } },
  { spec: { policies: { deny: [] }, routes: [null, 7, { name: "a", policies: { deny: { clients: "a" } } }] } },
  { spec: { policies: { deny: { clients: ["a", "b"] } } } },
])("a proxy without such an entry stays the same value: %j", (proxy) => {
  expect(withDistinctEntries(proxy)).toBe(proxy);
});
