import { describe, expect, test } from "vitest";
import { crd } from "../generate/crd.ts";
import { readProxy } from "../operator/translate/read-proxy.ts";
import { finished } from "../operator/translate/steps.ts";
import { boundSamples, fieldsOf } from "./samples/bounds.ts";
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
  const rules = fieldsOf(schema, []).flatMap(([, field]) => (field[RULES] ?? []) as { message: string }[]);
  const top = (schema[RULES] ?? []) as { message: string }[];
  const few = [...top, ...rules].filter(({ message }) => ruleSamples.filter((it) => it.message === message).length < 2);
  expect(few).toEqual([]);
});

function problems({ spec }: Sample) {
  const { problems: own, routes } = finished(readProxy(proxyOf(spec)));
  return [...own, ...routes.flatMap((route) => route.problems)];
}
