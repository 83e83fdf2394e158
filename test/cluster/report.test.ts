import { expect, test } from "vitest";
import { percentiles, Report } from "./report.ts";
import { closingLine, failures, table } from "./table.ts";

test("percentiles are samples, by nearest rank", () => {
  const samples = Array.from({ length: 200 }, (_, index) => 200 - index);
  expect(percentiles(samples)).toEqual({ p50: 100, p99: 198, max: 200 });
  expect(percentiles([7])).toEqual({ p50: 7, p99: 7, max: 7 });
});

test("every step counts; a scenario that fails outside of its steps counts once", async () => {
  const good = new Report(() => {});
  await good.step("is so", () => Promise.resolve());
  good.figure("time", "1.0 s");
  const bad = new Report(() => {});
  await bad.step("is so", () => Promise.resolve());
  await expect(bad.step("is not", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  const outcomes = [
    { name: "01-good", ms: 1000, report: good, failure: undefined },
    { name: "02-bad", ms: 2000, report: bad, failure: new Error("no") },
    { name: "03-late", ms: 3000, report: new Report(), failure: new Error("too late") },
  ];
  expect(closingLine(outcomes)).toEqual({ line: "2 passed, 2 failed, 0 skipped", failed: true });
  expect(
    table(outcomes)
      .split("\n")
      .map((line) => line.trim()),
  ).toEqual([
    "01-good  passed     1.0 s    1 steps",
    "time: 1.0 s",
    "02-bad   FAILED     2.0 s    2 steps",
    "03-late  FAILED     3.0 s    1 steps",
  ]);
});

test("the end of a run repeats what failed, and why", async () => {
  const good = new Report(() => {});
  await good.step("is so", () => Promise.resolve());
  expect(failures([{ name: "01-good", ms: 1, report: good, failure: undefined }])).toBe("");
  const bad = new Report(() => {});
  const no = new Error(`no ${"x".repeat(10_000)}`);
  await expect(bad.step("is not", () => Promise.reject(no))).rejects.toThrow("no");
  const told = failures([
    { name: "01-good", ms: 1, report: good, failure: undefined },
    { name: "02-bad", ms: 1, report: bad, failure: no },
    { name: "03-late", ms: 1, report: new Report(), failure: new Error("too late") },
    { name: "04-both", ms: 1, report: bad, failure: new Error("and cut off") },
  ]);
  expect(told.match(/^FAILED .*/gm)).toEqual([
    "FAILED 02-bad: is not",
    "FAILED 03-late",
    "FAILED 04-both: is not",
    "FAILED 04-both",
  ]);
  expect(told).toMatch(/Error: no x{1000,}… \(\d+ characters more, above\)/);
  expect(told).toContain("Error: too late");
});
