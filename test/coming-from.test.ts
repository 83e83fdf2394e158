import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { policiesSpec } from "../api/policies/index.ts";
import { spec } from "../api/websocket-proxy.ts";

// The tables of the guides for users of other gateways name fields that there are.

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

const [ofSpec, ofPolicies] = [spec, policiesSpec].map(
  (schema) => z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Schema,
);

describe.each(["coming-from-apigee.md", "coming-from-ibm-api-connect.md"])("%s", (name) => {
  const page = readFileSync(join(import.meta.dirname, "../docs/guides", name), "utf8");
  const rows = [...page.matchAll(/^\| (.+?) \| (.+) \|$/gm)]
    .map(([, theirs = "", here = ""]) => ({ theirs, here }))
    .filter(({ here }) => here !== "here");

  test("has a table of two columns, with a row for each term", () => {
    expect(rows.length).toBeGreaterThan(30);
    expect(rows.filter(({ here }) => here.includes(" | "))).toEqual([]);
  });

  test("names only fields that there are", () => {
    const named = rows.flatMap(({ here }) =>
      [...here.matchAll(/`((?:spec|policies)\.[^`]+)`/g)].map(([, path = ""]) => path),
    );
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((path) => !isField(path))).toEqual([]);
  });

  test("says for each term which field it is, where to read on, or that there is none", () => {
    const answers = /`(spec|policies)\.|\]\(|\*\*[Nn]ot yet|\*\*Not the gateway's work/;
    expect(rows.filter(({ here }) => !answers.test(here))).toEqual([]);
  });
});

test("a path that leads nowhere is found", () => {
  expect(
    ["spec.routes[].nothing", "policies.attempts[].every", "spec.policy", "policies.routes"].filter(isField),
  ).toEqual([]);
  expect(isField("spec.routes[].policies.attempts[].per")).toBe(true);
});

/** Whether a path such as `spec.routes[].path.value` leads to a field. `[]` may stand where a list is, and nowhere else. */
function isField(path: string): boolean {
  const [root, ...steps] = path.split(".");
  let at: readonly Schema[] = [root === "spec" ? ofSpec : ofPolicies].flatMap((schema) => schema ?? []);
  for (const step of steps) {
    const key = step.replace(/\[\]$/, "");
    at = at.flatMap((schema) => withParts(schema)).flatMap(({ properties }) => properties?.[key] ?? []);
    if (step.endsWith("[]")) at = at.flatMap((schema) => withParts(schema)).flatMap(({ items }) => items ?? []);
  }
  return at.length > 0;
}

/** A schema and those that it is made of. */
function withParts(schema: Schema): Schema[] {
  return [schema, ...(schema.anyOf ?? []), ...(schema.allOf ?? [])].flatMap((part) =>
    part === schema ? [part] : withParts(part),
  );
}
