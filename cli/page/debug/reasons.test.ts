import { expect, test } from "vitest";
import { REJECTIONS } from "../../../dataplane/rejection.ts";
import { endMeaning, meaningOf, REASONS } from "./reasons.js";

test("the page explains every reason that the gateway has", () => {
  expect(Object.keys(REJECTIONS).filter((reason) => meaningOf(reason) === "")).toEqual([]);
  const besides = new Set(["BackendRefused", "TlsFailed", "EndedByOperator"]);
  expect(Object.keys(REASONS).filter((reason) => !Object.hasOwn(REJECTIONS, reason) && !besides.has(reason))).toEqual(
    [],
  );
});

test.each([
  [{ code: 1008, reason: "MessageRate", by: "gateway" }, "More messages came than `messages` admits."],
  [{ code: 1000, reason: "bye", by: "client" }, "A normal end."],
  [{ code: 1006, reason: "", by: "client" }, "The connection ended without a Close frame: the peer vanished."],
  [{ code: 4001, reason: "toString", by: "backend" }, "A code of the application's own."],
  [{ code: 1008, reason: "MessageRate", by: "backend" }, "That end saw a breach of its rules."],
  [{ code: 1099, reason: "constructor", by: "gateway" }, ""],
])("the end %j is explained", (end, sentence) => {
  expect(endMeaning(end)).toBe(sentence);
});
