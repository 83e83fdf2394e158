import { expect, test } from "vitest";
import { LARGEST_FILE, readText } from "./files.ts";
import { parseManifests } from "./parse.ts";
import { findingLine } from "./location.ts";
import { keysOf } from "./yaml-nodes.ts";
import { temporaryFolder } from "../../test/fakes/program.ts";
import { mkdir, writeFile } from "node:fs/promises";
import { execFileSync } from "node:child_process";
import { join } from "node:path";

const lines = (text: string): string[] => parseManifests("f.yaml", text).findings.map(findingLine);
const values = (text: string): unknown[] => parseManifests("f.yaml", text).objects.map(({ value }) => value);

test("documents become objects, and each knows its number and the lines of its fields", () => {
  const { objects, findings } = parseManifests(
    "f.yaml",
    "# first\na: 1\n---\n---\nspec:\n  routes:\n    - name: x\n      path:\n        value: /\n    - { name: y }\n",
  );
  expect(findings).toEqual([]);
  expect(objects.map(({ value }) => value)).toEqual([
    { a: 1 },
    { spec: { routes: [{ name: "x", path: { value: "/" } }, { name: "y" }] } },
  ]);
  const { document, line } = objects[1]?.location ?? { document: 0, line: () => 0 };
  expect(document).toBe(3);
  expect(line("spec.routes[0].path.value")).toBe(9);
  expect(line("spec.routes[1].name")).toBe(10);
  expect(line("spec.routes[0].policies.origins")).toBe(7); // not there: the route is
  expect(line("spec.routes[7]")).toBe(6);
  expect(line("")).toBe(5);
});

test("JSON is read as YAML is, and a List is its items", () => {
  const list = { apiVersion: "v1", kind: "List", items: [{ kind: "A" }, { kind: "B", spec: { x: 1 } }] };
  const { objects, findings } = parseManifests("f.json", JSON.stringify(list, null, 2));
  expect(findings).toEqual([]);
  expect(objects.map(({ value }) => value)).toEqual(list.items);
  expect(objects[1]?.location.line("spec.x")).toBe(11);
  expect(lines("apiVersion: v1\nkind: List\nitems: {}\n")).toEqual([
    "f.yaml:3:1: document 1, items: must be a list of objects",
  ]);
});

test("fields whose names need quotes are found too", () => {
  const field = 'metadata.annotations["wsproxy.dev/expires-at"]';
  expect(keysOf(field)).toEqual(["metadata", "annotations", "wsproxy.dev/expires-at"]);
  expect(keysOf('a[2]["q\\"x"].b')).toEqual(["a", 2, 'q"x', "b"]);
  const { objects } = parseManifests("f.yaml", 'metadata:\n  annotations:\n    "wsproxy.dev/expires-at": never\n');
  expect(objects[0]?.location.line(field)).toBe(3);
});

test("anchors, aliases and merge keys are resolved", () => {
  expect(values("base: &b { l: 1 }\na:\n  <<: *b\n  k: 2\nc: *b\n")).toEqual([
    { base: { l: 1 }, a: { l: 1, k: 2 }, c: { l: 1 } },
  ]);
});

test.each([
  ["tabs", "a:\n\tb: 1\n", 2, "tabs cannot indent"],
  ["an open bracket", "kind: Secret\na: [1, 2\n", 3, "a closing character (a quote, ] or }) is missing"],
  ["two values on a line", "a: b: c\n", 1, 'more than one "key: value"'],
  ["a wrong indentation", "a:\n   b: 1\n  c: 2\n", 3, "is not YAML"],
  ["an unknown tag", "a: !secret x\n", 1, "this tag (!…) is not known"],
  ["an alias that leads nowhere", "a: *absent\n", 1, "an alias (*name) has no anchor"],
  ["an alias to what it is inside of", "a: &x { b: *x }\n", 1, "that contains the alias"],
  ["a list at the top", "- a\n", 1, "is not an object"],
  ["a text at the top", "just words\n", 1, "is not an object"],
  ["a list as a key", "a:\n  ? [x]\n  : 1\n", 2, "a key must be a text"],
])("%s is named with its line", (_what, text, line, words) => {
  const found = lines(text);
  expect(found[0]).toMatch(new RegExp(`^f\\.yaml:${line}:\\d+: document 1`));
  expect(found.join("\n")).toContain(words);
  expect(values(text)).toEqual([]);
});

test("a key that stands twice is named with its object and field, and never with a value", () => {
  const text = `apiVersion: v1
kind: Secret
metadata: { name: keys, namespace: demo }
stringData:
  alice: s3cret-one
  bob: s3cret-two
  alice: s3cret-three
---
kind: Other
`;
  expect(lines(text)).toEqual([
    "f.yaml:7:3: document 1, Secret demo/keys, stringData.alice: is not YAML: this key stands twice in the same mapping; remove one",
  ]);
  expect(values(text)).toEqual([{ kind: "Other" }]);
});

test("no message repeats what stands in a broken file", () => {
  const broken = [
    'stringData: { alice: "s3cret }',
    "a: s3cret: s3cret",
    "a: [s3cret",
    "s3cret\n  : x\n%s3cret",
    "a: *s3cret",
  ];
  for (const text of broken) expect(lines(text).join("\n")).not.toContain("s3cret");
});

test("aliases that multiply, and nesting without end, are refused and cost nothing", () => {
  let bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (let n = 1; n < 9; n += 1)
    bomb += `a${n}: &a${n} [${Array(9)
      .fill(`*a${n - 1}`)
      .join(", ")}]\n`;
  expect(lines(bomb)).toEqual(["f.yaml:1:1: document 1: aliases (*name) make the document too large"]);
  for (const text of ["[".repeat(50_000), "- ".repeat(50_000), "? ".repeat(50_000), "{a: ".repeat(50_000)]) {
    expect(lines(text)).toEqual(["f.yaml: is nested more than 100 levels deep"]);
  }
});

test("a key called __proto__ is a key like any other", () => {
  const [value] = values("__proto__: { admin: true }\n");
  expect(Object.keys(value as object)).toEqual(["__proto__"]);
  expect((value as { admin?: unknown }).admin).toBeUndefined();
});

test.each([
  ["nothing", ""],
  ["only white space", " \n\n"],
  ["only comments", "# kind: Secret\n"],
  ["only separators", "---\n---\n"],
])("a file with %s says so", (_what, text) => {
  expect(lines(text)).toEqual(["f.yaml: holds no manifest; to take its objects away, delete the file"]);
});

test("what is no text file is not waited for and not read", async () => {
  const folder = await temporaryFolder();
  execFileSync("mkfifo", [join(folder, "pipe.yaml")]);
  await mkdir(join(folder, "folder.yaml"));
  await writeFile(join(folder, "large.yaml"), Buffer.alloc(LARGEST_FILE + 1, "#"));
  await writeFile(join(folder, "binary.yaml"), Buffer.from([0xff, 0xfe, 0x00]));
  const problem = (name: string): Promise<unknown> => readText(join(folder, name));
  expect(await problem("pipe.yaml")).toEqual({ problem: "is not a regular file" });
  expect(await problem("folder.yaml")).toEqual({ problem: "is not a regular file" });
  expect(await problem("large.yaml")).toEqual({ problem: "is larger than 16 MiB" });
  expect(await problem("binary.yaml")).toEqual({ problem: "is not UTF-8 text" });
  expect(await problem("nothing.yaml")).toEqual({ problem: "does not exist" });
});
