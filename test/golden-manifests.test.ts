import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Manifest } from "../operator/render/manifest.ts";
import { canonicalJson } from "../operator/render/sorted-keys.ts";
import { translateCase, type Made } from "./fakes/golden-case.ts";
import { restrictedViolations, type PodTemplate } from "./fakes/pod-security.ts";
import { textIn } from "./fakes/readable-manifest.ts";

/** What must hold for the objects of every case, whatever stands in its folder. */

const root = join(import.meta.dirname, "golden");
const cases = readdirSync(root).sort();

type Labels = Readonly<Record<string, string>>;
type Port = { readonly name: string; readonly port: string; readonly targetPort: string };
interface Spec {
  readonly template: PodTemplate;
  readonly selector: Labels & { readonly matchLabels: Labels };
  readonly podSelector: { readonly matchLabels: Labels };
  readonly ports: readonly Port[];
  readonly ingress: readonly { readonly ports: readonly Port[] }[];
}

const specs = (manifests: readonly Manifest[], kind: string): Spec[] =>
  manifests.flatMap((it) => (it.kind === kind ? [(it as unknown as { readonly spec: Spec }).spec] : []));
const gateways = (made: readonly Made[]): Manifest[][] =>
  made.map(({ rendered }) => [...rendered.manifests]).filter((all) => specs(all, "Deployment").length > 0);

const matches = (labels: Labels, wanted: Labels): boolean =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value);

describe.each(cases)("%s", (name) => {
  const made = translateCase(join(root, name));
  const all = made.flatMap(({ rendered }) => rendered.manifests);

  test("no two objects have one name, and each name and label is legal", () => {
    const names = all.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
    for (const { metadata } of all) {
      expect(metadata.name).toMatch(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
      for (const value of Object.values(metadata.labels)) expect(value).toMatch(/^[A-Za-z0-9][-A-Za-z0-9_.]{0,62}$/);
    }
  });

  test("Pod Security restricted admits every pod", () => {
    for (const { template } of specs(all, "Deployment")) expect(restrictedViolations(template)).toEqual([]);
  });

  test("selectors find the pods, and ports are those that the pods have", () => {
    for (const manifests of gateways(made)) {
      const [deployment] = specs(manifests, "Deployment");
      const { labels } = deployment?.template.metadata ?? { labels: {} };
      const ports = deployment?.template.spec.containers.flatMap((it) => it.ports ?? []) ?? [];
      const [service, budget, policy] = ["Service", "PodDisruptionBudget", "NetworkPolicy"].map(
        (kind) => specs(manifests, kind)[0],
      );
      const selectors = [
        deployment?.selector.matchLabels,
        service?.selector,
        budget?.selector.matchLabels,
        policy?.podSelector.matchLabels,
      ];
      expect(selectors.map((it) => it !== undefined && matches(labels, it))).toEqual([true, true, true, true]);
      const named = [
        ...(service?.ports ?? []).map(({ targetPort }) => targetPort),
        ...(policy?.ingress ?? []).flatMap((it) => it.ports.map(({ port }) => port)),
      ];
      expect(new Set(named)).toEqual(new Set(ports.map((it) => it.name)));
      expect(new Set(ports.map(({ containerPort }) => containerPort)).size).toBe(ports.length);
    }
  });

  test("what is packed is the config and the endpoints, and the pods are told their hashes", () => {
    for (const { config, endpoints, rendered } of made) {
      if (config === undefined) continue;
      const [secret, map] = ["Secret", "ConfigMap"].map((kind) => rendered.manifests.find((it) => it.kind === kind));
      const { data } = secret as unknown as { readonly data: Labels };
      const { binaryData } = map as unknown as { readonly binaryData: Labels };
      expect(textIn(data["config.json.gz.0"] ?? "")).toBe(canonicalJson(config));
      expect(textIn(binaryData["endpoints.json.gz"] ?? "")).toBe(canonicalJson(endpoints));
      expect(Buffer.from(data["config.sha256"] ?? "", "base64").toString()).toBe(rendered.serving?.hash);
    }
  });

  test("only the config Secret holds what Secrets hold", () => {
    const keys = made.flatMap(
      ({ config }) => JSON.stringify(config ?? {}).match(/"(digest|privateKey|password)":"[^"]+/g) ?? [],
    );
    const rest = JSON.stringify(all.filter(({ kind }) => kind !== "Secret"));
    for (const key of keys) expect(rest).not.toContain(key.replace(/^.*:"/, ""));
  });
});

test("a pod that is not restricted is found out", () => {
  const labels = {};
  const bad = {
    name: "bad",
    ports: [{ name: "x", containerPort: 1, hostPort: 1 }],
    securityContext: { privileged: true },
  };
  const violations = restrictedViolations({
    metadata: { labels },
    spec: {
      hostNetwork: true,
      volumes: [{ name: "host", hostPath: {} }],
      securityContext: { sysctls: [{ name: "kernel.msgmax" }] },
      containers: [bad],
    },
  });
  expect(violations).toEqual([
    "host namespaces",
    "volume of type hostPath",
    "sysctl kernel.msgmax",
    "bad: host ports",
    "bad: may run as root",
    "bad: privileged",
    "bad: privilege escalation",
    "bad: keeps capabilities",
    "bad: seccomp",
  ]);
});
