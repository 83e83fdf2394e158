import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ApiError } from "../../operator/kube/api-error.ts";
import { KINDS, pathOf } from "../../operator/kube/kinds.ts";
import { admissionCase } from "../fakes/admission-case.ts";
import { reviewOf } from "../fakes/admitted.ts";
import type { PodTemplate } from "../fakes/pod-security.ts";
import { newNamespace, sharedClient } from "./bench.ts";

// Sends every pod of test/golden-admission that is let in to a real API server.

const ROOT = join(import.meta.dirname, "../golden-admission");
const cases = readdirSync(ROOT)
  .sort()
  .map((name) => ({ name, ...admissionCase(join(ROOT, name)) }))
  .flatMap((one) => {
    const pod = one.webhook.admitted(one.pod, one.request);
    return typeof pod === "string" || isLeftAlone(one.pod, pod) ? [] : [{ ...one, pod }];
  });

test.each(cases)(
  "$name is taken, and asked about the pod with its defaults the webhook changes nothing",
  async (one) => {
    const client = sharedClient();
    const namespace = await newNamespace(client);
    const metadata = { ...one.pod.metadata, namespace };
    // Owners would have to exist.
    const body = { ...one.pod, metadata: { ...metadata, ownerReferences: undefined } };
    const path = pathOf(KINDS.Pod, namespace);
    const stored = await client
      .request<PodTemplate>({ method: "POST", path, body, query: { dryRun: "All", fieldValidation: "Strict" } })
      .catch((error: unknown) => {
        throw error instanceof ApiError ? new Error(error.message) : error;
      });
    expect(one.webhook.answer(reviewOf(stored, one.request))).not.toHaveProperty("patch");
    expect(one.webhook.answer(reviewOf(stored, one.request))).toMatchObject({ allowed: true });
  },
);

test("there are pods of many sorts", () => {
  expect(cases.length).toBeGreaterThan(15);
});

function isLeftAlone(before: PodTemplate, after: PodTemplate): boolean {
  return JSON.stringify(before) === JSON.stringify(after);
}
