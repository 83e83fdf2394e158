import { expect, test } from "vitest";
import { worse } from "./compare.ts";

const verdict = (behavior: string, behaviorClose = "OK"): { behavior: string; behaviorClose: string } => ({
  behavior,
  behaviorClose,
});

test.each([
  ["the same", verdict("OK"), verdict("OK"), false],
  ["better", verdict("FAILED"), verdict("OK"), false],
  ["observed only", verdict("OK"), verdict("INFORMATIONAL", "INFORMATIONAL"), false],
  ["less strict", verdict("OK"), verdict("NON-STRICT"), true],
  ["failed", verdict("NON-STRICT"), verdict("FAILED"), true],
  ["not done", verdict("OK"), verdict("UNIMPLEMENTED"), true],
  ["closed in another way", verdict("OK"), verdict("OK", "WRONG CODE"), true],
  ["an unknown verdict", verdict("FAILED"), verdict("EXPLODED"), true],
])("%s: worse or not", (_what, direct, proxied, isWorse) => {
  expect(worse({ "1.1.1": direct }, { "1.1.1": proxied }).map((it) => it.case)).toEqual(isWorse ? ["1.1.1"] : []);
});

test("a case that was not run is worse", () => {
  expect(worse({ "1.1.1": verdict("OK"), "1.1.2": verdict("FAILED") }, { "1.1.1": verdict("OK") })).toEqual([
    { case: "1.1.2", direct: "FAILED, close OK", proxied: "not run" },
  ]);
});

test("a case that only the gateway saw does not count", () => {
  expect(worse({}, { "1.1.1": verdict("FAILED") })).toEqual([]);
});
