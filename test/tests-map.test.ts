import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

// test/README.md: the map of the tests names what there is.

const page = readFileSync(join(import.meta.dirname, "README.md"), "utf8");
const rows = [...page.matchAll(/^\| `([\w.-]+\.test\.ts)` \| (.+) \|$/gm)];
const folders = [...page.matchAll(/^\| `test\/([\w-]+)\/` \|/gm)].map(([, folder = ""]) => folder);

test("each file of test/integration has one row, and each row a file", () => {
  const files = readdirSync(join(import.meta.dirname, "integration")).filter((file) => file.endsWith(".test.ts"));
  expect(files.length).toBeGreaterThan(50);
  expect(rows.map(([, file = ""]) => file).toSorted()).toEqual(files.toSorted());
});

test("each row asks one question, or a question and one remark", () => {
  expect(rows.filter(([, , question = ""]) => !/^[A-Z][^?]*\?( [^?]*\.)?$/.test(question)).map(([row]) => row)).toEqual(
    [],
  );
});

test("each folder of test/ has a row, and each row a folder", () => {
  const there = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((one) => one.isDirectory());
  expect(folders.toSorted()).toEqual(there.map(({ name }) => name).toSorted());
});
