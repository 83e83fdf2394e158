import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crd } from "../../generate/crd.ts";
import type { Schema } from "../../generate/schema.ts";
import { apply, type Applicable } from "../../operator/kube/apply.ts";
import { boundSamples } from "../samples/bounds.ts";
import { editSamples } from "../samples/edits.ts";
import { proxyOf } from "../samples/proxy.ts";
import { ruleSamples } from "../samples/rules.ts";
import { textSamples } from "../samples/texts.ts";
import { sharedClient } from "./bench.ts";
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

test.each(editSamples.map((it, index) => [it.name, it, index] as const))(
  "an edit: %s",
  async (_name, { before, after, at, rule }, index) => {
    const name = `edited-${index}`;
    const of = (spec: object): object => ({
      ...proxyOf(spec, dryRun.namespace),
      metadata: { name, namespace: dryRun.namespace },
    });
    const client = sharedClient();
    const stored = await apply(client, of(before) as Applicable, new AbortController().signal);
    const { resourceVersion } = stored.metadata;
    const edited = of(after) as { readonly metadata: object };
    const answer = await dryRun.replace(name, { ...edited, metadata: { ...edited.metadata, resourceVersion } });
    const { status, causes } = answer;
    if (at === undefined) return expect({ status, causes }).toEqual({ status: 200, causes: [] });
    expect(status).toBe(422);
    expect(causes).toEqual([expect.objectContaining({ field: at, message: expect.stringContaining(rule) })]);
  },
);

/** True if the API server blames the field `at`, a part below it, or, for the name of an item, the item. */
function concerns(field: string, at: string): boolean {
  return field.startsWith(at) || at === `${field}.name`;
}
