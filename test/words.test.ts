import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

// The rule on words of CONTRIBUTING.md, and the names that the glossary of ARCHITECTURE.md gave up, held against the tree.

const root = join(import.meta.dirname, "..");
const FOLDERS = ["api", "charts", "cli", "dataplane", "docs", "examples", "generate", "operator", "runtime", "test"];
const PAGES = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "Makefile", ".ci/run"];
const ENDINGS = /\.(ts|md|yaml|tpl|txt|sh|html|css|js)$/;

/** Words that do not name the actor. */
const UNNAMED = /\b(?:who(?:m)?ever|(?:some|any|every|no)body|(?:some|every)one)\b/i;
/** Types that had two meanings or more. */
const GIVEN_UP = /\b(?:Surroundings|Reconciler|Enforcement|InForce|KeptContents|WatchBroken)\b/;

const files = [...PAGES, ...FOLDERS.flatMap(filesIn)].filter((file) => file !== "test/words.test.ts");

test("the tree is read", () => {
  expect(files.length).toBeGreaterThan(900);
});

test("no line leaves its actor without a name", () => {
  expect(files.flatMap((file) => linesWith(file, UNNAMED))).toEqual([]);
});

test("no code uses a type that had two meanings", () => {
  expect(files.filter((file) => file.endsWith(".ts")).flatMap((file) => linesWith(file, GIVEN_UP))).toEqual([]);
});

function linesWith(file: string, words: RegExp): readonly string[] {
  return readFileSync(join(root, file), "utf8")
    .split("\n")
    .flatMap((line, at) => (words.test(line) ? [`${file}:${at + 1}: ${line.trim()}`] : []));
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => ENDINGS.test(file))
    .map((file) => `${folder}/${file}`);
}
