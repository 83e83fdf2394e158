import { expect, test } from "vitest";
import { readClosed, readHandshake } from "./events.js";
import { FILTER, filterTerms, passes, withTerm, type Outcome } from "./filter.js";
import { closeRow, rowOfHandshake } from "./row.js";

const at = "2026-11-30T05:00:00.000Z";
const base = { at, proxy: "demo/chat", route: "chat", requestId: "r-1", address: "2001:db8::7" };
const open = rowOfHandshake(
  "1",
  readHandshake({ ...base, client: "Alice", session: "s-1", status: 101, reason: "Accepted" }),
);
const refused = rowOfHandshake(
  "2",
  readHandshake({ ...base, client: "bob", status: 401, reason: "CredentialInvalid" }),
);
const ended = rowOfHandshake(
  "3",
  readHandshake({ ...base, client: "alice two", session: "s-3", status: 101, reason: "Accepted" }),
);
closeRow(ended, readClosed({ ...base, session: "s-3", code: 1008, reason: "MessageRate", by: "gateway", duration: 3 }));

const rows = { open, refused, ended };
const found = (text: string, outcome: Outcome = "all"): string[] =>
  Object.entries(rows).flatMap(([name, row]) => (passes(row, outcome, filterTerms(text)) ? [name] : []));

test.each([
  ["", ["open", "refused", "ended"]],
  ["alice", ["open", "ended"]],
  ["client:alice", ["open", "ended"]],
  ['client:"alice two"', ["ended"]],
  ["ALICE two", ["ended"]],
  ["status:401", ["refused"]],
  ["status:4", ["refused"]],
  ["status:101", ["open", "ended"]],
  ["status:01", []],
  ["code:1008", ["ended"]],
  ["reason:messagerate", ["ended"]],
  ["reason:credential", ["refused"]],
  ["reason:accepted", []],
  ["by:gateway", ["ended"]],
  ["route:chat bob", ["refused"]],
  ["route:other", []],
  ["2001:db8::7", ["open", "refused", "ended"]],
  ["address:2001:db8::8", []],
  ["constructor:x", []],
  ["client:", ["open", "refused", "ended"]],
])("the filter %j finds %j", (text, names) => {
  expect(found(text)).toEqual(names);
});

test("the outcome narrows the list by itself and with a text", () => {
  expect([found("", "open"), found("", "refused"), found("", "ended")]).toEqual([["open"], ["refused"], ["ended"]]);
  expect(found("alice", "ended")).toEqual(["ended"]);
});

test("a filter of a megabyte is cut", () => {
  expect(filterTerms("a ".repeat(500_000))).toHaveLength(FILTER.terms);
  expect(filterTerms("x".repeat(1_000_000))[0]?.value).toHaveLength(FILTER.longest);
});

test("a term that is added takes the place of the one for the same field", () => {
  expect(withTerm("", "client", "alice")).toBe("client:alice");
  expect(withTerm('client:"a b" status:401 x', "client", "c d")).toBe('status:401 x client:"c d"');
  expect(withTerm("x", "client", 'a"b')).toBe("x client:ab");
});
