import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { CONDITION_REASONS } from "../api/conditions.ts";
import * as api from "../api/config.ts";
import { policies } from "../api/policies/index.ts";
import { EndpointListing } from "../dataplane/backend/endpoint-listing.ts";
import { compile } from "../dataplane/config/snapshot.ts";
import { Slices } from "../runtime/loop/slices.ts";
import { INPUTS, OUTPUTS, outputsOf, translateCase, type Output } from "./fakes/golden-case.ts";
import { PolicyBench } from "./fakes/policy-bench.ts";

// `UPDATE_GOLDEN=1` (make golden) writes the outputs anew; a person reads the diff. Otherwise nothing is ever written.
const UPDATE = process.env["UPDATE_GOLDEN"] === "1" && process.env["CI"] === undefined;

const root = join(import.meta.dirname, "golden");
const cases = readdirSync(root).sort();

describe.each(cases)("%s", (name) => {
  const folder = join(root, name);

  test("has resources, and no file that no case reads or writes", () => {
    const files = readdirSync(folder);
    expect(files).toContain("resources.yaml");
    expect(files.filter((file) => ![...INPUTS, ...OUTPUTS].some((known) => known === file))).toEqual([]);
  });

  test("gives what stands in the folder, whatever the order of the resources", () => {
    const outputs = outputsOf(translateCase(folder));
    if (UPDATE) for (const file of OUTPUTS) writeFileSync(join(folder, file), outputs[file]);
    expect(Object.fromEntries(OUTPUTS.map((file) => [file, standing(folder, file)]))).toEqual(outputs);
    expect(outputsOf(translateCase(folder, "reversed"))).toEqual(outputs);
  });

  test("gives a config that is complete and that the data plane compiles", async () => {
    for (const { config, endpoints } of translateCase(folder)) {
      expect(api.endpoints.parse(endpoints)).toEqual(endpoints);
      if (config === undefined) continue;
      expect(api.config.parse(config)).toEqual(config);
      const bench = new PolicyBench();
      const snapshot = await compile(
        api.config.parse(JSON.parse(JSON.stringify(config))),
        "hash",
        bench.compileOptions,
        new Slices(bench.clock),
      );
      for (const { balancer } of snapshot.routes.values()) balancer.setEndpoints(new EndpointListing(endpoints));
      expect([...snapshot.routes.keys()]).toEqual(config.routes.map((route) => route.name));
    }
  });

  test("shows no API key in the config or a status, and no other secret in a status", () => {
    const secrets = readFileSync(join(folder, "resources.yaml"), "utf8").match(/example-key-[a-z0-9-]+/g) ?? [];
    const { "statuses.yaml": statuses, "config.yaml": config } = outputsOf(translateCase(folder));
    for (const secret of secrets) expect(statuses + config).not.toContain(secret);
    expect(statuses).not.toMatch(/BEGIN|PRIVATE|example-password/);
  });
});

test("every policy has a case of its own", () => {
  const kebab = (kind: string): string => kind.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  expect(Object.keys(policies).filter((kind) => !cases.includes(`policy-${kebab(kind)}`))).toEqual([]);
});

test("every reason that a translation can give stands in a case, or is too large for one", () => {
  const all = cases.map((name) => standing(join(root, name), "statuses.yaml")).join("\n");
  const wanted = [CONDITION_REASONS.Accepted, CONDITION_REASONS.ResolvedRefs].flatMap((it) => Object.keys(it));
  const missing = wanted.filter((reason) => !new RegExp(`reason: ${reason}$`, "m").test(all));
  // Of Accepted, and of ResolvedRefs.
  expect(missing).toEqual(["TooLarge", "ListenerConflict", "TooLarge"]);
});

function standing(folder: string, file: Output): string {
  const path = join(folder, file);
  if (!existsSync(path))
    throw new Error(`${basename(folder)}/${file} is missing: run make golden, and read what it wrote`);
  return readFileSync(path, "utf8");
}
