import { describe, expect, test } from "vitest";
import { crd } from "../generate/crd.ts";
import { readProxy } from "../operator/translate/read-proxy.ts";
import { finished } from "../operator/translate/steps.ts";
import { boundSamples, fieldsOf } from "./samples/bounds.ts";
import { editSamples } from "./samples/edits.ts";
import { proxyOf, type Sample } from "./samples/proxy.ts";
import { ruleSamples } from "./samples/rules.ts";
import { textSamples } from "./samples/texts.ts";
import { RULES } from "../api/rule.ts";
import type { Schema } from "../generate/schema.ts";

// What our own schema says of the samples. `test/apiserver/schema.test.ts` asks a real API server about the same ones.

const schema = crd.spec.versions[0]?.schema.openAPIV3Schema.properties?.["spec"] as Schema;

describe.each([
  ["rules", ruleSamples],
  ["forms", textSamples],
  ["bounds", boundSamples(schema)],
] as const)("%s", (_kind, samples) => {
  test.each(samples.map((sample) => [sample.name, sample] as const))("%s", (_name, sample) => {
    expect(problems(sample).map(({ at }) => at)).toEqual(sample.at === undefined ? [] : [sample.at]);
    if (sample.message !== undefined) expect(problems(sample)[0]?.message).toBe(sample.message);
  });
});

test("every rule has a sample that keeps it and two that break it", () => {
  const few = rules().filter(({ message }) => ruleSamples.filter((it) => it.message === message).length < 2);
  expect(few.filter((rule) => !isAboutEdits(rule))).toEqual([]);
});

test("every rule about edits has an edit that keeps it and two that break it", () => {
  const all = rules().filter(isAboutEdits);
  expect(all.length).toBeGreaterThan(0);
  for (const { message } of all) {
    const edits = editSamples.filter((it) => it.rule === message);
    expect(edits.filter(({ at }) => at === undefined).length).toBeGreaterThan(0);
    expect(edits.filter(({ at }) => at !== undefined).length).toBeGreaterThan(1);
  }
});

test.each(editSamples.map((it) => [it.name, it] as const))("%s: right before and after", (_name, { before, after }) => {
  for (const spec of [before, after]) expect(problems({ name: "", spec })).toEqual([]);
});

interface CelRule {
  readonly rule: string;
  readonly message: string;
}

function rules(): CelRule[] {
  const fields = fieldsOf(schema, []).flatMap(([, field]) => (field[RULES] ?? []) as CelRule[]);
  return [...((schema[RULES] ?? []) as CelRule[]), ...fields];
}

function isAboutEdits({ rule }: CelRule): boolean {
  return rule.includes("oldSelf");
}

function problems({ spec }: Sample) {
  const { problems: own, routes } = finished(readProxy(proxyOf(spec)));
  return [...own, ...routes.flatMap((route) => route.problems)];
}
