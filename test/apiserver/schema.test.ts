import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crd } from "../../generate/crd.ts";
import type { Schema } from "../../generate/schema.ts";
import { boundSamples } from "../samples/bounds.ts";
import { proxyOf } from "../samples/proxy.ts";
import { ruleSamples } from "../samples/rules.ts";
import { textSamples } from "../samples/texts.ts";
import { DryRun } from "./dry-run.ts";

// The samples of `test/samples.test.ts`: the API server must accept and refuse the same as the schemas of api/.

const schema = crd.spec.versions[0]?.schema.openAPIV3Schema.properties?.["spec"] as Schema;
let dryRun: DryRun;

beforeAll(async () => {
  dryRun = await DryRun.open();
});
afterAll(() => dryRun.close());

describe.each([
  ["rules", ruleSamples],
  ["forms", textSamples],
  ["bounds", boundSamples(schema)],
] as const)("%s", (_kind, samples) => {
  test.each(samples.map((sample) => [sample.name, sample] as const))("%s", async (_name, { spec, at, message }) => {
    const { status, causes, text } = await dryRun.create(proxyOf(spec, dryRun.namespace));
    if (at === undefined) {
      expect({ status, text }).toEqual({ status: 201, text: "" });
      return;
    }
    expect({ status, text }).toEqual({
      status: expect.toSatisfy((code: number) => code >= 400),
      text: expect.anything(),
    });
    const blamed = causes.filter(({ field }) => concerns(field, at));
    const words = causes.length === 0 && text.includes(at) ? [text] : blamed.map((cause) => cause.message);
    expect({ causes, words: words.join("\n") }).toEqual({ causes, words: expect.stringContaining(message ?? "") });
    expect({ causes, words }).not.toEqual({ causes, words: [] });
  });
});

/** True if the API server blames the field `at`, a part below it, or, for the name of an item, the item. */
function concerns(field: string, at: string): boolean {
  return field.startsWith(at) || at === `${field}.name`;
}
