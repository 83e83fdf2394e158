import { expect, test } from "vitest";
import type { LabelSelector } from "../../../api/policies/api-key-method.ts";
import { matches } from "./selector.ts";

const labels = { app: "chat", stage: "live", empty: "" };

test.each<[string, LabelSelector, boolean]>([
  ["a label with its value", { matchLabels: { app: "chat" } }, true],
  ["a label with another value", { matchLabels: { app: "news" } }, false],
  ["two labels, one of which is not there", { matchLabels: { app: "chat", team: "a" } }, false],
  ["an empty value that is there", { matchLabels: { empty: "" } }, true],
  ["an empty value of a label that is not there", { matchLabels: { none: "" } }, false],
  ["In with its value", { matchExpressions: [{ key: "stage", operator: "In", values: ["test", "live"] }] }, true],
  ["In with other values", { matchExpressions: [{ key: "stage", operator: "In", values: ["test"] }] }, false],
  ["In of a label that is not there", { matchExpressions: [{ key: "x", operator: "In", values: [""] }] }, false],
  ["NotIn with its value", { matchExpressions: [{ key: "stage", operator: "NotIn", values: ["live"] }] }, false],
  ["NotIn with other values", { matchExpressions: [{ key: "stage", operator: "NotIn", values: ["test"] }] }, true],
  ["NotIn of a label that is not there", { matchExpressions: [{ key: "x", operator: "NotIn", values: ["a"] }] }, true],
  ["Exists of a label that is there", { matchExpressions: [{ key: "empty", operator: "Exists" }] }, true],
  ["Exists of a label that is not there", { matchExpressions: [{ key: "x", operator: "Exists" }] }, false],
  ["DoesNotExist of a label that is there", { matchExpressions: [{ key: "app", operator: "DoesNotExist" }] }, false],
  ["DoesNotExist of a label that is not there", { matchExpressions: [{ key: "x", operator: "DoesNotExist" }] }, true],
  [
    "labels and expressions together, one of which does not hold",
    { matchLabels: { app: "chat" }, matchExpressions: [{ key: "stage", operator: "DoesNotExist" }] },
    false,
  ],
  ["a name that every object inherits", { matchExpressions: [{ key: "constructor", operator: "Exists" }] }, false],
])("%s", (_, selector, expected) => {
  expect(matches(selector, labels)).toBe(expected);
});
