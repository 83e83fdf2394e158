import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { ADMIN_PORT, INJECT_LABEL, SIDECAR } from "../api/meta.ts";
import { spec } from "../api/websocket-proxy.ts";
import { labelsOf, OPERATOR } from "../operator/render/labels.ts";
import { decode, resourcesOf } from "../operator/gather/decode.ts";
import { tools } from "../operator/platform/tools.ts";
import { translate } from "../operator/translate/translate.ts";
import { restrictedViolations, type PodTemplate } from "./fakes/pod-security.ts";

const examples = join(import.meta.dirname, "../examples");

/** What is applied together with an example's own folder. */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  valkey: ["../quickstart/keys.yaml", "../quickstart/backend.yaml"],
};

describe.each(["quickstart", "apigee-sample", "reference", "sidecar", "valkey"])("examples/%s", (folder) => {
  const own = readdirSync(join(examples, folder)).filter((file) => file.endsWith(".yaml"));
  const files = [...own, ...(BESIDE[folder] ?? [])];
  const decoded = files.flatMap((file) =>
    parseAllDocuments(readFileSync(join(examples, folder, file), "utf8")).map((document) => decode(document.toJS())),
  );
  const objects = decoded.flatMap((it) => it.objects);
  const proxies = objects.flatMap((it) => (it.kind === "WebSocketProxy" ? [it] : []));

  test("is accepted and resolved, whole", () => {
    expect(decoded.flatMap(({ problems }) => problems)).toEqual([]);
    expect(proxies).toHaveLength(1);
    for (const proxy of proxies) {
      const { config, status } = translate(resourcesOf(proxy, objects), undefined, tools, { externalNames: true });
      expect(status.problems).toEqual([]);
      expect(config?.listener.tls === undefined || config.listener.tls.keyPair !== undefined).toBe(true);
    }
  });

  test("holds only Secrets that are plainly examples", () => {
    const entries = objects.flatMap((it) => (it.kind === "Secret" ? Object.entries(it.object.data) : []));
    const values = entries.filter(([name]) => name !== "username").map(([, value]) => value);
    expect(values.length).toBeGreaterThan(0);
    expect(values.filter((value) => !/^(example-|-----BEGIN )/.test(value))).toEqual([]);
  });
});

describe("examples/sidecar", () => {
  const folder = join(examples, "sidecar");
  const objects = readdirSync(folder).flatMap((file) =>
    parseAllDocuments(readFileSync(join(folder, file), "utf8")).map((document) => document.toJS() as Manifest),
  );
  const of = (...kinds: readonly string[]): readonly Manifest[] => objects.filter(({ kind }) => kinds.includes(kind));
  const workloads = of("Deployment", "StatefulSet", "Job");
  const [proxy] = of("WebSocketProxy");
  const { sidecar, listener, routes } = spec.parse(proxy?.spec);
  const port = routes[0]?.backends[0]?.port;

  test("has pods that the proxy puts its gateway into, in a namespace that is restricted too", () => {
    expect(workloads.map(({ kind }) => kind).toSorted()).toEqual(["Deployment", "Job", "StatefulSet"]);
    for (const { kind, metadata, spec: its } of workloads) {
      const { template } = its as { template: PodTemplate };
      expect([kind, metadata.namespace]).toEqual([kind, proxy?.metadata.namespace]);
      expect(template.metadata.labels).toMatchObject({
        ...sidecar?.selector.matchLabels,
        [INJECT_LABEL]: proxy?.metadata.name,
      });
      expect([kind, restrictedViolations(template)]).toEqual([kind, []]);
    }
  });

  test("has processes on the backend's port of loopback alone, without a probe that could not reach them", () => {
    for (const { kind, spec: its } of workloads) {
      const text = JSON.stringify((its as { template: unknown }).template);
      expect([kind, text]).toEqual([kind, expect.stringContaining("127.0.0.1")]);
      expect(text).toContain(String(port));
      expect(text).not.toMatch(/httpGet|tcpSocket|containerPort/);
    }
  });

  test("has pods of one workload that no other selects, and Services that lead to their gateways", () => {
    const labels = workloads.map(({ spec: its }) => (its as { template: PodTemplate }).template.metadata.labels);
    const selected = (selector: object): number =>
      labels.filter((some) => Object.entries(selector).every(([label, value]) => some[label] === value)).length;
    for (const { spec: its } of of("Deployment", "StatefulSet"))
      expect(selected((its as { selector: { matchLabels: object } }).selector.matchLabels)).toBe(1);
    for (const { spec: its } of of("Service")) {
      const { selector, ports } = its as { selector: object; ports: readonly { targetPort: string }[] };
      expect(selected(selector)).toBe(1);
      expect(ports.map(({ targetPort }) => targetPort)).toEqual([SIDECAR.listener]);
    }
    expect(of("Service")).toHaveLength(2);
  });

  test("has a policy that opens the gateway's two ports of each of these pods, and no other port", () => {
    const ports = [{ port: listener.port }, { port: ADMIN_PORT }];
    const policies = of("NetworkPolicy").map(({ spec: its }) => {
      const { podSelector, ingress } = its as {
        podSelector: unknown;
        ingress: readonly { ports: readonly unknown[] }[];
      };
      return { podSelector, ports: ingress.flatMap((one) => one.ports) };
    });
    expect(policies).toEqual([{ podSelector: sidecar?.selector, ports }]);
  });
});

describe("examples/valkey", () => {
  const folder = join(examples, "valkey");
  const objects = readdirSync(folder)
    .filter((file) => file.endsWith(".yaml"))
    .flatMap((file) =>
      parseAllDocuments(readFileSync(join(folder, file), "utf8")).map((document) => document.toJS() as Manifest),
    );
  const only = (kind: string): unknown => objects.find((one) => one.kind === kind)?.spec;
  const { template } = only("Deployment") as { template: PodTemplate };
  const { labels } = template.metadata;

  test("has a pod of the restricted kind with nothing on disk", () => {
    expect(restrictedViolations(template)).toEqual([]);
    expect(template.spec.volumes).toBeUndefined();
    expect(only("Deployment")).toMatchObject({ replicas: 1, selector: { matchLabels: labels } });
  });

  test("has a Service at the proxy's address, and a policy that opens it to the gateway's pods alone", () => {
    const { store } = spec.parse(only("WebSocketProxy"));
    expect(store?.address).toBe("valkey.demo.svc:6379");
    expect(objects.find(({ kind }) => kind === "Service")?.metadata).toEqual({ name: "valkey", namespace: "demo" });
    expect(only("Service")).toMatchObject({ selector: labels, ports: [{ port: 6379, targetPort: "valkey" }] });
    expect(template.spec.containers[0]?.ports).toEqual([{ name: "valkey", containerPort: 6379 }]);
    const { podSelector, ingress } = only("NetworkPolicy") as NetworkPolicy;
    expect(podSelector).toEqual({ matchLabels: labels });
    const [{ ports, from }] = ingress;
    expect([ingress.length, ports, from.length]).toEqual([1, [{ port: 6379 }], 1]);
    expect(labelsOf("wsproxy-chat")).toMatchObject(from[0].podSelector.matchLabels);
    expect(OPERATOR).not.toMatchObject(from[0].podSelector.matchLabels);
  });
});

test("examples/reference shows every field that there is", () => {
  const text = readFileSync(join(examples, "reference/every-field.yaml"), "utf8");
  const names = fieldsOf(z.toJSONSchema(spec, { io: "input", unrepresentable: "any" }));
  expect(names.size).toBeGreaterThan(80);
  expect([...names].filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([]);
});

interface NetworkPolicy {
  readonly podSelector: unknown;
  readonly ingress: readonly [
    {
      readonly ports: unknown;
      readonly from: readonly [{ readonly podSelector: { readonly matchLabels: Record<string, string> } }];
    },
  ];
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: unknown;
}

/** Names of all fields in a JSON schema. */
function fieldsOf(schema: unknown): Set<string> {
  if (typeof schema !== "object" || schema === null) return new Set();
  const { properties = {}, ...rest } = schema as { readonly properties?: object };
  const below = [...Object.values(properties), ...Object.values(rest)].flatMap((part) => [...fieldsOf(part)]);
  return new Set([...Object.keys(properties), ...below]);
}
