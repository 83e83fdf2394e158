import { expect, test } from "vitest";
import { z } from "zod";
import { fieldPath, quoted, read } from "./problem.ts";
import { route, specHeader } from "./websocket-proxy.ts";

const words = (schema: z.ZodType, value: unknown): string[] => {
  const result = read(schema, value, "spec", "Invalid");
  return result.ok ? [] : result.problems.map(({ at, message }) => `${at}: ${message}`);
};

test.each<[string, z.ZodType, unknown, string]>([
  ["nothing", z.string(), undefined, "spec: is required"],
  ["null", z.string(), null, "spec: must be a string, not null"],
  ["a list", z.strictObject({}), [], "spec: must be an object, not a list"],
  ["a number for a text", z.string(), 5, "spec: must be a string, not a number"],
  ["a fraction", z.int(), 1.5, "spec: must be a whole number"],
  ["too little", z.int().min(1), 0, "spec: must be at least 1"],
  ["too much", z.int().max(9), 10, "spec: must be at most 9"],
  ["an empty text", z.string().min(1), "", "spec: must not be empty"],
  ["a long text", z.string().max(2), "abc", "spec: must have at most 2 characters"],
  ["a long list", z.array(z.int()).max(1), [1, 2], "spec: must have at most 1 item"],
  ["another word", z.enum(["All", "Any"]), "all", "spec: must be All or Any"],
  [
    "an unknown field",
    z.strictObject({}),
    { tpyo: 1 },
    'spec.tpyo: unknown field "tpyo"; remove it or correct its spelling',
  ],
])("%s is told in our words", (_, schema, value, expected) => {
  expect(words(schema, value)).toEqual([expected]);
});

test("all mistakes are told at once, one for each text", () => {
  expect(words(route, { name: "", backends: [{ port: 0, weight: "1" }], pathh: {} })).toEqual([
    "spec.name: must not be empty",
    "spec.backends[0].port: must be at least 1",
    "spec.backends[0].weight: must be a number, not a string",
    'spec.pathh: unknown field "pathh"; remove it or correct its spelling',
  ]);
});

test("words of the schemas stand over the general ones", () => {
  expect(words(specHeader, { routes: {} })).toEqual(["spec.routes: must be a list of at least one route"]);
});

test("what a user wrote is quoted on one line, bounded, without what a terminal would act on", () => {
  expect(quoted('a"b\n\u001b[31m\u009b\u202e\u2028')).toBe(String.raw`"a\"b\n\u001b[31m\u009b\u202e\u2028"`);
  expect(quoted("x".repeat(1000))).toHaveLength(102);
  expect(quoted(`${"x".repeat(98)}😀😀`).isWellFormed()).toBe(true);
});

test("a field path is a path as people write it", () => {
  expect(fieldPath("spec", ["routes", 0, "policies", "a b", "c-d_e"])).toBe('spec.routes[0].policies["a b"].c-d_e');
  expect(fieldPath("", ["metadata", "name"])).toBe("metadata.name");
  expect(fieldPath("spec", ["\n"])).toBe(String.raw`spec["\n"]`);
});

test("of the mistakes in one value the first thousand are told", () => {
  const told = words(z.array(z.string()), Array(2000).fill(1));
  expect([told.length, told[0], told.at(-1)]).toEqual([
    1000,
    "spec[0]: must be a string, not a number",
    "spec[999]: must be a string, not a number",
  ]);
});
