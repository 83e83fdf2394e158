import { describe, expect, test } from "vitest";
import type { Applicable } from "./apply.ts";
import type { KubeObject } from "./kinds.ts";
import { sameQuantity } from "./quantity.ts";
import { unchanged } from "./unchanged.ts";

const wanted = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "wsproxy-chat", namespace: "demo", labels: { app: "wsproxy" }, annotations: {} },
  spec: {
    replicas: 2,
    minReadySeconds: 0,
    template: {
      spec: {
        hostNetwork: false,
        automountServiceAccountToken: false,
        nodeSelector: undefined,
        tolerations: [{ key: "a" }, { key: "b" }],
        containers: [
          {
            name: "wsproxy",
            args: ["dataplane", "--config", "/etc/wsproxy/config"],
            resources: { requests: { cpu: "1000m", memory: "1Gi" }, limits: { cpu: "0.5" } },
            ports: [{ name: "ws", containerPort: 8080 }],
            env: [],
          },
        ],
        volumes: [{ name: "tmp", emptyDir: { sizeLimit: "1024Ki" } }],
      },
    },
  },
} satisfies Applicable & { spec: unknown };

/** The same object after the API server, its controllers and a mutating webhook changed it. */
const live = {
  ...wanted,
  metadata: {
    name: "wsproxy-chat",
    namespace: "demo",
    uid: "1",
    resourceVersion: "7",
    labels: { app: "wsproxy", team: "x" },
    annotations: { "deployment.kubernetes.io/revision": "1" },
  },
  spec: {
    replicas: 2,
    progressDeadlineSeconds: 600,
    template: {
      spec: {
        dnsPolicy: "ClusterFirst",
        automountServiceAccountToken: false,
        tolerations: [{ key: "a", operator: "Exists" }, { key: "b" }],
        containers: [
          { name: "injected", image: "x" },
          {
            name: "wsproxy",
            args: ["dataplane", "--config", "/etc/wsproxy/config"],
            resources: { requests: { cpu: "1", memory: "1Gi" }, limits: { cpu: "500m" } },
            ports: [{ name: "ws", containerPort: 8080, protocol: "TCP" }],
            terminationMessagePath: "/dev/termination-log",
          },
        ],
        volumes: [
          { name: "config", secret: {} },
          { name: "tmp", emptyDir: { sizeLimit: "1Mi" } },
        ],
      },
    },
  },
  status: { readyReplicas: 2 },
};

/** The live object with one thing changed. */
function changed(change: (copy: typeof live) => void): KubeObject {
  const copy = structuredClone(live);
  change(copy);
  return copy;
}

type Container = (typeof wanted.spec.template.spec.containers)[0];
const container = (copy: typeof live): Container => copy.spec.template.spec.containers[1] as unknown as Container;

test("fields that others add, empty fields that Kubernetes drops, and quantities in another spelling are no change", () => {
  expect(unchanged(wanted, live)).toBe(true);
});

test("a missing object counts as changed", () => {
  expect(unchanged(wanted, undefined)).toBe(false);
});

describe("a change is seen", () => {
  const changes: Record<string, (copy: typeof live) => void> = {
    "in a number": (copy) => (copy.spec.replicas = 3),
    "in a flag": (copy) => (copy.spec.template.spec.automountServiceAccountToken = true),
    "in a flag that should be off": (copy) => Object.assign(copy.spec.template.spec, { hostNetwork: true }),
    "in a number that should be zero": (copy) => Object.assign(copy.spec, { minReadySeconds: 5 }),
    "in a label": (copy) => (copy.metadata.labels.app = "other"),
    "in a label that went": (copy) => Object.assign(copy.metadata, { labels: {} }),
    "in a list without names, at its end": (copy) => copy.spec.template.spec.tolerations.push({ key: "c" }),
    "in a list without names, by its order": (copy) => copy.spec.template.spec.tolerations.reverse(),
    "in a list of words": (copy) => container(copy).args.pop(),
    "in an entry with a name": (copy) => ((container(copy).ports[0] ?? { containerPort: 0 }).containerPort = 9090),
    "in an entry with a name that went": (copy) => copy.spec.template.spec.containers.pop(),
    "in a quantity": (copy) => (container(copy).resources.requests.cpu = "1001m"),
    "in a quantity that went": (copy) => Object.assign(container(copy).resources, { limits: {} }),
    "in a volume's size": (copy) =>
      Object.assign(copy.spec.template.spec.volumes[1] ?? {}, { emptyDir: { sizeLimit: "2Mi" } }),
    "in a whole part that went": (copy) => Object.assign(copy.spec, { template: {} }),
    "in the kind of a value": (copy) => Object.assign(copy.spec, { template: [] }),
  };
  test.each(Object.entries(changes))("%s", (_, change) => {
    expect(unchanged(wanted, changed(change))).toBe(false);
  });
});

test("elsewhere, text that looks like a quantity is compared as text", () => {
  const manifest = { ...wanted, metadata: { ...wanted.metadata, annotations: { cpu: "1000m" } } };
  expect(
    unchanged(
      manifest,
      changed((copy) => Object.assign(copy.metadata.annotations, { cpu: "1" })),
    ),
  ).toBe(false);
});

test.each([
  ["1", "1000m", true],
  ["0.1", "100m", true],
  [1, "1", true],
  ["1Gi", "1024Mi", true],
  ["1.5Gi", "1536Mi", true],
  ["1e3", "1k", true],
  ["1E3", "1000", true],
  ["2E", "2000P", true],
  ["100n", "0.1u", true],
  ["-1", "-1000m", true],
  [".5", "500m", true],
  ["1", "1Ki", false],
  ["1G", "1Gi", false],
  ["12345678901234567890", "12345678901234567891", false],
  ["1", "one", false],
  ["", "0", false],
  [null, "0", false],
])("%j and %j as quantities: %s", (one, other, same) => {
  expect(sameQuantity(one, other)).toBe(same);
  expect(sameQuantity(other, one)).toBe(same);
});
