import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { describe, expect, test } from "vitest";
import { declared, numbersIn, sizes } from "./bounds/declared.ts";
import { NO_BOUNDS } from "./bounds/no-bounds.ts";

// docs/reference/bounds.md: every row says what holds it, and every bound of the code has a row.

const ROOT = join(import.meta.dirname, "..");
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const page = read("docs/reference/bounds.md");
const metrics = new Set(
  [...read("docs/reference/metrics.md").matchAll(/^\| `(\w+)` \|/gm)].map(([, name = ""]) => name),
);

const CRD = "crds/wsproxy.dev_websocketproxies.yaml";
const FOLDERS = ["dataplane", "runtime", "operator", "api"];

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | false;
  readonly [word: string]: unknown;
}

const { spec: crd } = parse(read(CRD)) as {
  spec: { versions: [{ schema: { openAPIV3Schema: { properties: { spec: Schema } } } }] };
};
const crdSpec = crd.versions[0].schema.openAPIV3Schema.properties.spec;

/** `file#NAME`, several with commas between them. */
const HOLDS = /^[\w./-]+#\S+$/;

interface Row {
  readonly what: string;
  readonly value: string;
  readonly beyond: string;
  readonly metric: string;
  readonly constants: readonly string[];
  readonly held: string;
}

const rows: Row[] = [...page.matchAll(/^\| (.*) \|$/gm)]
  .map(([, line = ""]) => line.split(/(?<!\\) \| /))
  .filter(([first]) => first !== "what is bounded")
  .map(([what = "", value = "", beyond = "", metric = "", constants = "", held = ""]) => {
    return { what, value, beyond, metric, constants: constants.split(", "), held };
  });

describe.each(rows.map((row) => [row.what, row] as const))("%s", (_what, row) => {
  test("fills every column", () => {
    for (const cell of [row.what, row.value, row.beyond, row.metric, row.held]) expect(cell).toMatch(/^(?!.*TODO)\S/);
    for (const constant of row.constants) expect(constant).toMatch(HOLDS);
  });

  test("has the value that the code has", () => {
    const said = sizes(row.value);
    for (const constant of row.constants) {
      const values = valuesOf(constant);
      const agrees = values.length === 0 || values.some((one) => said.includes(one));
      expect({ constant, values, said, agrees }).toEqual({ constant, values, said, agrees: true });
    }
  });

  test("names a metric that there is, or why there is none", () => {
    const named = [...row.metric.matchAll(/wsproxy_\w+/g)].map(([name]) => name);
    if (named.length === 0) expect(row.metric).toMatch(/^(none: \S.*|`(process|nodejs)_\w+`)/);
    expect(named.filter((name) => !metrics.has(name))).toEqual([]);
  });

  test("names a test that exists", () => {
    for (const held of row.held.split(/; (?=[\w./-]+\.test\.ts: )/)) {
      const [, file = "", title = ""] = /^([\w./-]+\.test\.ts): (.+)$/.exec(held) ?? [];
      expect([held, file !== "" && existsSync(join(ROOT, file))]).toEqual([held, true]);
      expect(read(file).includes(title), `${file} has no test "${title}"`).toBe(true);
    }
  });
});

test("the page has rows of every kind", () => {
  expect(page.match(/^## /gm)?.length).toBeGreaterThanOrEqual(9);
  expect(rows.length).toBeGreaterThan(80);
});

test("every number that the code has a name for stands on the page, or is known to be no bound", () => {
  // Of an object with several numbers a row may name one.
  const onPage = new Set(rows.flatMap(({ constants }) => constants.map((one) => one.replace(/(#\w+)\..*$/, "$1"))));
  const named = FOLDERS.flatMap(sources).flatMap((path) => numbersIn(read(path)).map((name) => `${path}#${name}`));
  expect(named.length).toBeGreaterThan(80);
  expect(named.filter((one) => !onPage.has(one) && !Object.hasOwn(NO_BOUNDS, one))).toEqual([]);
  // What is no bound is said once, of what there is.
  expect(Object.keys(NO_BOUNDS).filter((one) => !named.includes(one) || onPage.has(one))).toEqual([]);
});

test("every list and map of a WebSocketProxy stands on the page with its length", () => {
  const onPage = new Set(rows.flatMap(({ constants }) => constants));
  const lists = fields(crdSpec, "spec").filter(([path]) => !path.startsWith("spec.routes[].policies."));
  const missing = lists.filter(([path]) => !onPage.has(`${CRD}#${path}`)).map(([path]) => path);
  expect(lists.length).toBeGreaterThan(40);
  expect(missing).toEqual([]);
});

function sources(folder: string): string[] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" });
  return files.filter((name) => /(?<!\.test)\.ts$/.test(name)).map((name) => `${folder}/${name}`);
}

/** Every list and map below a schema: `spec.routes.maxItems` and its value. */
function fields(schema: Schema, path: string): [string, unknown][] {
  const { properties = {}, items, additionalProperties } = schema;
  const own = ["maxItems", "maxProperties"].filter((word) => schema[word] !== undefined);
  return [
    ...own.map((word): [string, unknown] => [`${path}.${word}`, schema[word]]),
    ...Object.entries(properties).flatMap(([name, field]) => fields(field, `${path}.${name}`)),
    ...(items === undefined ? [] : fields(items, `${path}[]`)),
    ...(additionalProperties === undefined || additionalProperties === false
      ? []
      : fields(additionalProperties, `${path}{}`)),
  ];
}

/** What a constant is: of a field of the CRD the word at the end of its path, of a source file what it is declared as. */
function valuesOf(constant: string): readonly number[] {
  const [path = "", name = ""] = constant.split("#");
  if (path !== CRD) return declared(read(path), name);
  const steps = name.replaceAll("[]", ".items").split(".");
  const last = steps.pop() ?? "";
  const schema = steps.slice(1).reduce<Schema | undefined>((at, step) => {
    return step === "items" ? at?.items : at?.properties?.[step];
  }, crdSpec);
  if (schema?.[last] === undefined) throw new Error(`the CRD has no ${name}`);
  return sizes(JSON.stringify(schema[last]));
}
