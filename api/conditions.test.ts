import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CONDITION_REASONS, CONDITION_TYPES } from "./conditions.ts";

const page = readFileSync(new URL("../docs/reference/conditions.md", import.meta.url), "utf8");
const sections = page.split(/^## /m).slice(1);

test("the page of conditions has a section for each type, in the order in which they are listed", () => {
  expect(sections.map((section) => section.split("\n", 1)[0])).toEqual([...CONDITION_TYPES]);
  expect(Object.keys(CONDITION_REASONS)).toEqual([...CONDITION_TYPES]);
});

test.each(CONDITION_TYPES)("the page lists exactly the reasons of %s, in the words of the table", (type) => {
  const section = sections.find((it) => it.startsWith(`${type}\n`)) ?? "";
  const rows = [...section.matchAll(/^\| ([A-Z][A-Za-z]+) \| (True|False|Unknown) \| (.+?) \| /gm)];
  expect(rows.map(([, reason, , meaning]) => [reason, meaning])).toEqual(Object.entries(CONDITION_REASONS[type]));
});
