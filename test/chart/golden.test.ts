import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ran } from "../fakes/program.ts";
import { CHART, helm, helmBinary, objects, template } from "./helm.ts";

// `UPDATE_GOLDEN=1` (make golden) writes the outputs; a person reads the diff. Otherwise the test writes nothing.
const UPDATE = process.env["UPDATE_GOLDEN"] === "1" && process.env["CI"] === undefined;

const root = join(import.meta.dirname, "golden");
const cases = readdirSync(root).sort();
const OUTPUTS = ["rendered.yaml", "notes.txt"] as const;

describe.skipIf(helmBinary() === undefined)("the chart (skipped where Helm is not installed)", () => {
  describe.each(cases)("with the values of %s", (name) => {
    const folder = join(root, name);
    const values = ["--values", join(folder, "values.yaml")];

    test("gives what stands in the folder", () => {
      expect(readdirSync(folder).filter((file) => !["values.yaml", ...OUTPUTS].includes(file))).toEqual([]);
      const outputs = { "rendered.yaml": withoutFiles(template(values)), "notes.txt": notes(values) };
      if (UPDATE) for (const file of OUTPUTS) writeFileSync(join(folder, file), outputs[file]);
      expect(Object.fromEntries(OUTPUTS.map((file) => [file, standing(join(folder, file))]))).toEqual(outputs);
    });

    test("gives objects that stand for themselves: no key twice, none twice, all with our labels", () => {
      const all = objects(template(values));
      const names = all.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ""}/${metadata.name}`);
      expect(new Set(names).size).toBe(names.length);
      for (const { kind, metadata } of all.filter((object) => object.kind !== "CustomResourceDefinition"))
        expect([kind, metadata.labels]).toEqual([
          kind,
          expect.objectContaining({ "app.kubernetes.io/name": "wsproxy", "app.kubernetes.io/component": "operator" }),
        ]);
    });

    test("starts the operator with options that it has", async () => {
      const options = operatorArguments(template(values)).map((option) => option.replace(/=.*$/, ""));
      const help = (await ran("operator", "--help")).stdout;
      expect(options).toContain("--dataplane-image");
      expect(options.filter((option) => !help.includes(` ${option} `))).toEqual([]);
    });

    test("has nothing that Helm's own check objects to", () => {
      const { status, out, err } = helm("lint", CHART, "--strict", ...values);
      expect(`${status} ${err}${out}`).toMatch(/^0 .*1 chart\(s\) linted, 0 chart\(s\) failed/s);
    });
  });
});

function operatorArguments(rendered: string): readonly string[] {
  const [deployment] = objects(rendered).filter(({ kind }) => kind === "Deployment");
  const { spec } = deployment as unknown as { spec: { template: { spec: { containers: { args: string[] }[] } } } };
  const [command, ...options] = spec.template.spec.containers[0]?.args ?? [];
  expect(command).toBe("operator");
  return options;
}

/** The notes that Helm prints after an installation. */
function notes(values: readonly string[]): string {
  const { status, out, err } = helm(
    "install",
    "wsproxy",
    CHART,
    "--namespace",
    "wsproxy-system",
    "--dry-run=client",
    ...values,
  );
  if (status !== 0) throw new Error(err);
  return out.slice(out.indexOf("NOTES:\n") + "NOTES:\n".length);
}

/** Shortens what the chart copies unchanged from a file of the repository. */
function withoutFiles(rendered: string): string {
  const files = readdirSync(join(CHART, "files/crds")).map((file) => [`files/crds/${file}`, ""] as const);
  return [...files, ["files/dashboard.json", "    "], ["files/alerts.yaml", "  "]].reduce(
    (text, [file = "", indent = ""]) => {
      const lines = readFileSync(join(CHART, file), "utf8").trimEnd().split("\n");
      const copied = lines.map((line) => (line === "" && indent !== "" ? indent : indent + line)).join("\n");
      return text.replace(copied, () => `${indent}# ${file}`);
    },
    rendered,
  );
}

function standing(path: string): string {
  if (!existsSync(path)) throw new Error(`${path} is missing: run make golden, and read the diff`);
  return readFileSync(path, "utf8");
}
