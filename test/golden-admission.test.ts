import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { stringify } from "yaml";
import { describe, expect, test } from "vitest";
import { admissionCase, INPUTS, type AdmissionCase } from "./fakes/admission-case.ts";
import { reviewOf } from "./fakes/admitted.ts";
import { patched, patchOf } from "./fakes/json-patch.ts";
import { restrictedViolations } from "./fakes/pod-security.ts";

// Each folder is one pod that is created: what the webhook makes of it, or why it is refused.

// `UPDATE_GOLDEN=1` (make golden) writes the outputs anew; a person reads the diff. Otherwise nothing is ever written.
const UPDATE = process.env["UPDATE_GOLDEN"] === "1" && process.env["CI"] === undefined;

const OUTPUTS = ["patched.yaml", "patch.yaml", "refusal.yaml"] as const;
type Outputs = Partial<Record<(typeof OUTPUTS)[number], string>>;

const root = join(import.meta.dirname, "golden-admission");
const cases = readdirSync(root).sort();

test("there are cases", () => {
  expect(cases.length).toBeGreaterThanOrEqual(25);
});

describe.each(cases)("%s", (name) => {
  const folder = join(root, name);
  const one = admissionCase(folder);
  const { pod, request, webhook } = one;

  test("has a pod, and no file that no case reads or writes", () => {
    const files = readdirSync(folder);
    expect(files).toContain("pod.yaml");
    expect(files.filter((file) => ![...INPUTS, ...OUTPUTS].includes(file))).toEqual([]);
  });

  test("gives what stands in the folder", () => {
    const outputs = outputsOf(one);
    if (UPDATE) for (const [file, text] of Object.entries(outputs)) writeFileSync(join(folder, file), text);
    const standing = OUTPUTS.filter((file) => existsSync(join(folder, file)));
    expect(standing, `${basename(folder)}: run make golden, and read what it wrote`).toEqual(
      OUTPUTS.filter((file) => outputs[file] !== undefined),
    );
    for (const file of standing) expect(readFileSync(join(folder, file), "utf8")).toBe(outputs[file]);
  });

  test("is the same in a dry run, and asked again the webhook changes nothing", () => {
    const first = webhook.admitted(pod, request);
    expect(webhook.admitted(pod, { ...request, dryRun: true })).toEqual(first);
    if (typeof first !== "string") expect(webhook.answer(reviewOf(first, request))).not.toHaveProperty("patch");
  });

  test("gives a container that passes Pod Security restricted by itself", () => {
    const result = webhook.admitted(pod, request);
    const ours = typeof result === "string" ? [] : (result.spec.initContainers ?? []).filter(isOurs);
    const template = { metadata: { labels: {} }, spec: { containers: ours } };
    expect(restrictedViolations(template)).toEqual([]);
  });
});

const isOurs = ({ name }: { readonly name: string }): boolean => name === "wsproxy";

function outputsOf({ webhook, pod, request }: AdmissionCase): Outputs {
  const write = (value: unknown): string => stringify(value, { aliasDuplicateObjects: false, lineWidth: 120 });
  const answer = webhook.answer(reviewOf(pod, request));
  if (answer === undefined) throw new Error("the review was not answered");
  if (!answer.allowed) return { "refusal.yaml": write(answer.status) };
  const patch = patchOf(answer);
  return { "patched.yaml": write(patched(pod, patch)), "patch.yaml": patch.length === 0 ? "# None.\n" : write(patch) };
}
