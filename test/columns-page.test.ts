import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { crd } from "../generate/crd.ts";

const page = readFileSync(new URL("../docs/reference/columns.md", import.meta.url), "utf8");
const columns: readonly { readonly name: string; readonly jsonPath: string; readonly priority?: number }[] =
  crd.spec.versions[0]?.additionalPrinterColumns ?? [];

test("the page lists the columns of kubectl in their order, each with its field", () => {
  const [, table = ""] = page.split("| column | shows | field |");
  const rows = [...(table.split("\n\n")[0]?.matchAll(/^\| (\w+) \| .* \| (.*) \|$/gm) ?? [])];
  expect(rows.map(([, name]) => name)).toEqual(columns.map(({ name }) => name));
  for (const [at, [, name, field = ""]] of rows.entries()) {
    const path = columns[at]?.jsonPath ?? "";
    const [, type, member] = /@\.type=="(\w+)"\)\]\.(\w+)$/.exec(path) ?? [];
    const words = type === undefined ? path.slice(1) : `conditions.md#${type.toLowerCase()}), its ${member}`;
    expect([name, field.includes(words), words]).toEqual([name, true, words]);
  }
});

test("its example has every column, the wide ones last", () => {
  const [heading = "", row = ""] = /```text\n([^]*?)\n```/.exec(page)?.[1]?.split("\n") ?? [];
  const names = columns.map(({ name }) => name.toUpperCase());
  expect(heading.split(/ {2,}/)).toEqual(["NAME", ...names]);
  expect(row.split(/ {2,}/)).toHaveLength(names.length + 1);
  const isWide = columns.map(({ priority = 0 }) => priority > 0);
  expect(isWide.lastIndexOf(false)).toBeLessThan(isWide.indexOf(true));
});
