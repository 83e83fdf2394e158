import { describe, expect, test } from "vitest";
import { configReport, REPORT, type ConfigReport } from "./report.ts";

// Operator and data plane are two processes, of two versions while either is rolled out: each reads what the other says.

const HASH = "a".repeat(64);
const proxy = { proxy: "demo/chat", hash: HASH, endpointsHash: HASH, generation: 3 };
const rejected = { hash: "b".repeat(64), stage: "listener", problems: ["port 8080 is in use"] };
const report = (one: object, more: object = {}): object => ({ proxies: [one], more: 0, ...more });
const read = (raw: unknown): ConfigReport | undefined => configReport.safeParse(JSON.parse(JSON.stringify(raw))).data;

test("a report of the same version is understood as it is", () => {
  expect(read(report({ ...proxy, rejected }))).toEqual(report({ ...proxy, rejected }));
  expect(read({ proxies: [], more: 0 })).toEqual({ proxies: [], more: 0 });
});

describe("of an older data plane", () => {
  test.each([
    ["that says nothing of its endpoints", { proxy: "demo/chat", hash: HASH, generation: 3 }],
    ["that has no config in force yet", { proxy: "demo/chat" }],
    ["that has a rejected config only", { proxy: "demo/chat", rejected }],
  ])("a report %s is understood", (_, one) => {
    expect(read(report(one))).toEqual(report(one));
  });
});

describe("of a newer data plane", () => {
  test("fields that are not known are passed over, wherever they stand", () => {
    const newer = report(
      { ...proxy, rejected: { ...rejected, since: "2030-01-01T00:00:00Z" }, shape: { sidecar: true } },
      { version: 2 },
    );
    expect(read(newer)).toEqual(report({ ...proxy, rejected }));
  });

  test("a stage that is not known is taken for the config's", () => {
    const newer = report({ ...proxy, rejected: { ...rejected, stage: "store" } });
    expect(read(newer)?.proxies[0]?.rejected).toEqual({ ...rejected, stage: "config" });
  });
});

test("what this version makes, a reader that knows more still finds: each field under its name, none renamed", () => {
  expect(Object.keys(configReport.shape)).toEqual(["proxies", "more"]);
  const { shape } = configReport.shape.proxies.element;
  expect(Object.keys(shape)).toEqual(["proxy", "hash", "endpointsHash", "generation", "removed", "rejected"]);
  expect(Object.keys(shape.rejected.unwrap().shape)).toEqual(["hash", "stage", "problems"]);
});

test("an older operator gets no report without the two fields that it needs", () => {
  expect(read({ more: 0 })).toBeUndefined();
  expect(read({ proxies: [] })).toBeUndefined();
  expect(read(report({ hash: HASH }))).toBeUndefined();
});

test.each([
  ["no object", []],
  ["null", null],
  ["too many proxies", { proxies: Array.from({ length: REPORT.proxies + 1 }, () => proxy), more: 0 }],
  [
    "too many problems",
    report({ ...proxy, rejected: { ...rejected, problems: Array(REPORT.problems + 1).fill("x") } }),
  ],
  [
    "a problem too long",
    report({ ...proxy, rejected: { ...rejected, problems: ["x".repeat(REPORT.longestProblem + 1)] } }),
  ],
  ["a hash too long", report({ ...proxy, hash: "a".repeat(65) })],
  ["a generation below zero", report({ ...proxy, generation: -1 })],
  ["a generation that is no number", report({ ...proxy, generation: "3" })],
])("%s is no report, of whichever version", (_, raw) => {
  expect(read(raw)).toBeUndefined();
});
