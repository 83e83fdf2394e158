import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CONDITION_TYPES } from "../api/conditions.ts";
import { crd } from "./crd.ts";
import { generated } from "./generated.ts";
import { anchorOf } from "./reference.ts";
import type { Schema } from "./schema.ts";

const ROOT = join(import.meta.dirname, "..");
const whole = crd.spec.versions[0]?.schema.openAPIV3Schema as Schema;

test.each(Object.entries(generated))("%s is what `make generate` writes", (file, text) => {
  expect(readFileSync(join(ROOT, file), "utf8")).toBe(text);
});

test("nothing else stands in crds/", () => {
  const files = readdirSync(join(ROOT, "crds")).map((file) => `crds/${file}`);
  expect(files.filter((file) => !Object.hasOwn(generated, file))).toEqual([]);
});

test("every field of the CRD is described", () => {
  const fields = below(whole, "").filter(([path]) => /[a-z]$/i.test(path)); // not what lists and maps hold
  const bare = fields.filter(([, { description = "" }]) => description === "").map(([path]) => path);
  expect(bare).toEqual([".metadata"]);
});

describe("the columns of kubectl", () => {
  const columns: readonly { name: string; type: string; jsonPath: string; priority?: number }[] =
    crd.spec.versions[0]?.additionalPrinterColumns ?? [];

  test("are few, and more with --output wide", () => {
    const names = (priority: number) => columns.filter((it) => (it.priority ?? 0) === priority).map(({ name }) => name);
    expect(names(0)).toEqual(["Mode", "Ready", "Replicas", "Address", "Age"]);
    expect(names(1)).toEqual(["Programmed", "ResolvedRefs", "Backends", "Routes", "Generation", "Observed"]);
  });

  test("show fields and conditions that there are", () => {
    const fields = new Map(below(whole, ""));
    const metadata = [".metadata.creationTimestamp", ".metadata.generation"];
    for (const { jsonPath, type } of columns) {
      if (metadata.includes(jsonPath)) continue;
      const [, path = "", condition, member = ""] =
        /^([.a-zA-Z]+)(?:\[\?\(@\.type=="(\w+)"\)\](\.\w+))?$/.exec(jsonPath) ?? [];
      if (condition !== undefined) expect(CONDITION_TYPES).toContain(condition);
      expect([jsonPath, fields.get(condition === undefined ? path : `${path}[]${member}`)?.type]).toEqual([
        jsonPath,
        type,
      ]);
    }
  });
});

test("everything of the CRD is bounded", () => {
  const unbounded = below(whole, "").filter(([, schema]) => !isBounded(schema));
  expect(unbounded.map(([path]) => path)).toEqual([".apiVersion", ".kind"]);
});

test("unknown fields are kept in Kubernetes' own objects only", () => {
  const kept = below(whole, "").filter(([, schema]) => schema["x-kubernetes-preserve-unknown-fields"] === true);
  expect(kept.map(([path]) => path)).toEqual([
    ".spec.gateway.pod.tolerations[]",
    ".spec.gateway.pod.affinity",
    ".spec.gateway.pod.topologySpreadConstraints[]",
    ".spec.dataplane.resources",
  ]);
});

test("every link of the reference leads to a section", () => {
  const page = generated["docs/reference/websocketproxy.md"] ?? "";
  const anchors = new Set([...page.matchAll(/^## (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading)));
  const links = [...page.matchAll(/\]\(#([^)]*)\)/g)].map(([, link = ""]) => link);
  expect(links.length).toBeGreaterThan(30);
  expect(links.filter((link) => !anchors.has(link))).toEqual([]);
});

test("the reference has a row for every field", () => {
  const page = generated["docs/reference/websocketproxy.md"] ?? "";
  const names = new Set([...page.matchAll(/^\| \[?([A-Za-z]+)/gm)].map(([, name = ""]) => name));
  const fields = below(whole, "").flatMap(([path]) => /^\.(?:spec|status)\b.*\.([A-Za-z]+)$/.exec(path)?.[1] ?? []);
  expect(fields.filter((field) => !names.has(field))).toEqual([]);
});

/** Every schema below one, with its path. */
function below(schema: Schema, path: string): [string, Schema][] {
  const { properties = {}, items, additionalProperties } = schema;
  const inner: [string, Schema][] = Object.entries(properties).map(([name, field]) => [`${path}.${name}`, field]);
  if (items !== undefined) inner.push([`${path}[]`, items]);
  if (additionalProperties !== undefined && additionalProperties !== false)
    inner.push([`${path}{}`, additionalProperties]);
  return inner.flatMap(([at, field]) => [[at, field] as [string, Schema], ...below(field, at)]);
}

function isBounded(schema: Schema): boolean {
  const { type, enum: words, maxLength, minimum, maximum, maxItems, maxProperties, properties } = schema;
  const number = minimum !== undefined && maximum !== undefined;
  if (schema["x-kubernetes-int-or-string"] === true) return number && maxLength !== undefined;
  if (type === "string") return words !== undefined || maxLength !== undefined;
  if (type === "integer") return number;
  if (type === "array") return maxItems !== undefined;
  return type !== "object" || properties !== undefined || maxProperties !== undefined;
}
