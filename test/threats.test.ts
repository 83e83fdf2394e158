import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

// test/threats.md and the codes of the tests: neither has one that the other lacks.

const ROOT = join(import.meta.dirname, "..");
const page = readFileSync(join(ROOT, "test/threats.md"), "utf8");
const letters = [...page.matchAll(/^## ([A-Z])\. /gm)].map(([, letter = ""]) => letter).join("");
const CODE = `[${letters}]\\d{1,2}`;

/** Codes at the beginning of a title or a row: `test("A19 …`, `["F8, B17 …`, or a row's cell of its own: `["C1", …`. */
const AT_THE_BEGINNING = new RegExp(`(?:^|[(\\[])\\s*["'\`](${CODE}(?:, ${CODE})*)(?= |["'\`])`, "gm");
/** `test("… (A19)"`, `test("A19: …"`: not how a code is written. */
const ELSEWHERE = new RegExp(`["'\`]${CODE}(?:, ${CODE})*[:–-]|\\(${CODE}(?:, ${CODE})*\\)[^"'\`\n]*["'\`]`, "g");

const files = globSync("**/*.test.ts", { cwd: ROOT, exclude: (name) => name === "node_modules" });
const texts = files.map((file) => [file, readFileSync(join(ROOT, file), "utf8")] as const);
const carried = new Set(
  texts.flatMap(([, text]) => [...text.matchAll(AT_THE_BEGINNING)].flatMap(([, codes = ""]) => codes.split(", "))),
);
const rows = [...page.matchAll(/^\| (\w+) \| (.+) \| (.+) \| (.+) \|$/gm)].filter(([, code]) => code !== "code");
const listed = rows.map(([, code = ""]) => code);

test("the search finds test files and codes", () => {
  expect(letters.length).toBeGreaterThan(5);
  expect(texts.length).toBeGreaterThan(150);
  expect(carried.size).toBeGreaterThan(80);
});

test("each code of a test has a row in test/threats.md", () => {
  expect([...carried].filter((code) => !listed.includes(code))).toEqual([]);
});

test("each row of test/threats.md is tested under its code", () => {
  expect(listed.filter((code) => !carried.has(code))).toEqual([]);
});

test("a code has one row, in the group of its letter and in the order of its number", () => {
  for (const group of page.split(/^## /m).slice(1)) {
    const [letter = ""] = group;
    const codes = [...group.matchAll(/^\| ([A-Z]\d+) \|/gm)].map(([, code = ""]) => code);
    const numbers = codes.map((code) => Number(code.slice(1)));
    expect(codes.map((code) => code[0])).toEqual(codes.map(() => letter));
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  }
});

test("a code stands at the beginning of a title or row, with no other mark behind it", () => {
  const astray = texts.flatMap(([file, text]) => [...text.matchAll(ELSEWHERE)].map(([found]) => `${file}: ${found}`));
  expect(astray.filter((one) => !one.startsWith("test/threats.test.ts"))).toEqual([]);
});
