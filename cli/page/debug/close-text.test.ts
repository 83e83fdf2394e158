import { expect, test } from "vitest";
import { LONGEST_REASON as CONTRACT } from "../../../api/admin-pages.ts";
import { closeText, LONGEST_REASON } from "./close-text.js";

test("the bound is the gateway's", () => {
  expect(LONGEST_REASON).toBe(CONTRACT);
});

test.each([
  ["", "EndedByOperator"],
  ["  ", "EndedByOperator"],
  [" please update ", "EndedByOperator; please update"],
  ["x".repeat(200), `EndedByOperator; ${"x".repeat(106)}`],
  ["é".repeat(106), `EndedByOperator; ${"é".repeat(53)}`],
  [`${"x".repeat(104)}😀`, `EndedByOperator; ${"x".repeat(104)}`],
])("%j is told to the client as %j, in a Close frame that it fits", (words, text) => {
  expect(closeText(words)).toBe(text);
  expect(Buffer.byteLength(closeText(words))).toBeLessThanOrEqual(123);
});
