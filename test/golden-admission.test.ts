import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parse, stringify } from "yaml";
import { describe, expect, test } from "vitest";
import { spec } from "../api/websocket-proxy.ts";
import type { SidecarShape } from "../operator/translate/translation.ts";
import { cached, reviewOf, Webhook } from "./fakes/admitted.ts";
import { patched, patchOf } from "./fakes/json-patch.ts";
import { restrictedViolations, type PodTemplate } from "./fakes/pod-security.ts";

// Each folder is one pod that is created: what the webhook makes of it, or why it is refused.

// `UPDATE_GOLDEN=1` (make golden) writes the outputs anew; a person reads the diff. Otherwise nothing is ever written.
const UPDATE = process.env["UPDATE_GOLDEN"] === "1" && process.env["CI"] === undefined;

const INPUTS = [
  "pod.yaml", // the object of the review
  "proxy.yaml", // the WebSocketProxy whose config is in force; without it there is none
  "around.yaml", // `request`: fields of the review's request; `secret`: "none", or "of an earlier proxy"
];
const OUTPUTS = ["patched.yaml", "patch.yaml", "refusal.yaml"] as const;
type Outputs = Partial<Record<(typeof OUTPUTS)[number], string>>;

const root = join(import.meta.dirname, "golden-admission");
const cases = readdirSync(root).sort();

interface Proxy {
  readonly metadata: { readonly name: string };
  readonly spec: unknown;
}
interface Around {
  readonly request?: object;
  readonly secret?: "none" | "of an earlier proxy";
}

test("there are cases", () => {
  expect(cases.length).toBeGreaterThanOrEqual(25);
});

describe.each(cases)("%s", (name) => {
  const folder = join(root, name);
  const pod = document(folder, "pod.yaml") as PodTemplate;
  const around = (document(folder, "around.yaml") ?? {}) as Around;
  const webhook = webhookOf(document(folder, "proxy.yaml") as Proxy | undefined, around);

  test("has a pod, and no file that no case reads or writes", () => {
    const files = readdirSync(folder);
    expect(files).toContain("pod.yaml");
    expect(files.filter((file) => ![...INPUTS, ...OUTPUTS].includes(file))).toEqual([]);
  });

  test("gives what stands in the folder", () => {
    const outputs = outputsOf(webhook, pod, around);
    if (UPDATE) for (const [file, text] of Object.entries(outputs)) writeFileSync(join(folder, file), text);
    const standing = OUTPUTS.filter((file) => existsSync(join(folder, file)));
    expect(standing, `${basename(folder)}: run make golden, and read what it wrote`).toEqual(
      OUTPUTS.filter((file) => outputs[file] !== undefined),
    );
    for (const file of standing) expect(readFileSync(join(folder, file), "utf8")).toBe(outputs[file]);
  });

  test("is the same in a dry run, and asked again the webhook changes nothing", () => {
    const first = webhook.admitted(pod, around.request);
    expect(webhook.admitted(pod, { ...around.request, dryRun: true })).toEqual(first);
    if (typeof first !== "string") expect(webhook.answer(reviewOf(first, around.request))).not.toHaveProperty("patch");
  });

  test("gives a container that passes Pod Security restricted by itself", () => {
    const result = webhook.admitted(pod, around.request);
    const ours = typeof result === "string" ? [] : (result.spec.initContainers ?? []).filter(isOurs);
    const template = { metadata: { labels: {} }, spec: { containers: ours } };
    expect(restrictedViolations(template)).toEqual([]);
  });
});

const isOurs = ({ name }: { readonly name: string }): boolean => name === "wsproxy";

function outputsOf(webhook: Webhook, pod: object, { request }: Around): Outputs {
  const write = (value: unknown): string => stringify(value, { aliasDuplicateObjects: false, lineWidth: 120 });
  const answer = webhook.answer(reviewOf(pod, request));
  if (answer === undefined) throw new Error("the review was not answered");
  if (!answer.allowed) return { "refusal.yaml": write(answer.status) };
  const patch = patchOf(answer);
  return { "patched.yaml": write(patched(pod, patch)), "patch.yaml": patch.length === 0 ? "# None.\n" : write(patch) };
}

function webhookOf(proxy: Proxy | undefined, { secret }: Around): Webhook {
  if (proxy === undefined) return new Webhook(new Map());
  const { mode, sidecar, listener, dataplane } = spec.parse(proxy.spec);
  const shape: SidecarShape | undefined =
    mode === "Sidecar" && sidecar !== undefined
      ? {
          selector: sidecar.selector,
          listenerPort: listener.port ?? 8080,
          resources: dataplane.resources,
          drainPeriod: dataplane.drain.period,
        }
      : undefined;
  const objects = cached(proxy.metadata.name, shape, secret === "of an earlier proxy" ? "uid-0" : "uid-1");
  return new Webhook(secret === "none" ? new Map([...objects].filter(([key]) => !key.startsWith("Secret"))) : objects);
}

function document(folder: string, file: string): unknown {
  const path = join(folder, file);
  return existsSync(path) ? parse(readFileSync(path, "utf8")) : undefined;
}
