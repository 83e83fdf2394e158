import { expect, test } from "vitest";
import { briefOf, hasLabelsLeftOut, MOST_LABELS, NUDGE } from "./brief-object.ts";
import type { KubeObject } from "../kube/kinds.ts";
import { LARGEST_SIDECAR_RECORD } from "../../api/sidecar-shape.ts";

const labels = (count: number, value = "v"): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`example.com/label-${at}`, value]));

const object = (kind: string, more: object): KubeObject => ({
  apiVersion: "v1",
  kind,
  metadata: { name: "a", namespace: "demo", uid: "uid-1", resourceVersion: "7", ...more },
});

/** Every field of an object that a tenant can make large. */
const LARGE = {
  annotations: { note: "x".repeat(250_000), [NUDGE]: "x".repeat(1000) },
  labels: { ...labels(10_000), "wsproxy.dev/proxy": "wsproxy-chat" },
  finalizers: Array.from({ length: 10_000 }, (_, at) => `example.com/finalizer-${at}`),
  ownerReferences: Array.from({ length: 10_000 }, (_, at) => ({ kind: "Pod", name: `pod-${at}`, uid: `uid-${at}` })),
};

test.each(["Secret", "ConfigMap", "Service", "EndpointSlice", "Pod", "Deployment", "WebSocketProxy"])(
  "of a %s that a tenant made as large as it could less than 4 kB are retained",
  (kind) => {
    const brief = briefOf({ ...object(kind, LARGE), spec: LARGE, data: LARGE.labels } as KubeObject);
    expect(JSON.stringify(brief).length).toBeLessThan(4096);
    expect(brief).toMatchObject({
      kind,
      metadata: { name: "a", namespace: "demo", uid: "uid-1", resourceVersion: "7" },
    });
    expect(brief.metadata.labels?.["wsproxy.dev/proxy"]).toBe("wsproxy-chat");
  },
);

test("a Secret keeps the labels by which selectors find it, unless there are too many: then none finds it", () => {
  const retained = (some: Record<string, string>): number => {
    return Object.keys(briefOf(object("Secret", { labels: some })).metadata.labels ?? {}).length;
  };
  expect([retained(labels(MOST_LABELS)), retained(labels(MOST_LABELS + 1))]).toEqual([MOST_LABELS, 0]);
  expect([retained(labels(50, "x".repeat(63))), retained({ long: "x".repeat(9000) })]).toEqual([50, 0]);
  expect(briefOf(object("ConfigMap", { labels: labels(3) })).metadata.labels).toEqual({});
});

test("of a Secret with too many labels eight of our group are retained beside the one that permits its use", () => {
  const own = { "wsproxy.dev/use": "true", "wsproxy.dev/api-keys": "chat" };
  const once = briefOf(object("Secret", { labels: { ...labels(100), ...own } }));
  const twice = briefOf(once);
  for (const brief of [once, twice]) {
    expect(brief.metadata.labels).toEqual(own);
    expect(hasLabelsLeftOut(brief)).toBe(true);
  }
  expect(hasLabelsLeftOut(briefOf(object("Secret", { labels: labels(3) })))).toBe(false);
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`wsproxy.dev/l${at}`, "v"]));
  const retained = briefOf(object("Secret", { labels: { ...many, "wsproxy.dev/use": "true" } })).metadata.labels;
  expect(Object.keys(retained ?? {})).toHaveLength(9);
  expect(retained).toMatchObject({ "wsproxy.dev/use": "true" });
});

test("finalizers of Kubernetes itself are retained, wherever they stand", () => {
  const finalizers = [...LARGE.finalizers, "orphan", "foregroundDeletion"];
  const retained = briefOf(
    object("WebSocketProxy", { finalizers, deletionTimestamp: "2026-01-01T00:00:00Z" }),
  ).metadata;
  expect(retained.finalizers).toEqual(
    expect.arrayContaining(["orphan", "foregroundDeletion", "example.com/finalizer-0"]),
  );
  expect(retained.deletionTimestamp).toBe("2026-01-01T00:00:00Z");
});

test("of a pod its state is retained, cut to a bounded size", () => {
  const waiting = { reason: "ImagePullBackOff", message: "y".repeat(5000) };
  const status = {
    phase: "Pending",
    podIP: "10.0.0.1",
    conditions: [
      ...Array.from({ length: 1000 }, (_, at) => ({ type: `example.com/gate-${at}`, status: "True" })),
      { type: "Ready", status: "False", reason: "ContainersNotReady", message: "z".repeat(5000), lastProbeTime: null },
      { type: "PodScheduled", status: "True" },
    ],
    containerStatuses: Array.from({ length: 1000 }, () => ({ name: "x", state: { waiting } })),
  };
  const pod = briefOf({ ...object("Pod", LARGE), status } as KubeObject) as KubeObject & { status: typeof status };
  expect(pod.status.conditions).toEqual([
    { type: "Ready", status: "False", reason: "ContainersNotReady", message: `${"z".repeat(299)}…` },
    { type: "PodScheduled", status: "True" },
  ]);
  expect(pod.status).toMatchObject({ phase: "Pending", podIP: "10.0.0.1" });
  expect(pod.status.containerStatuses[0]).toEqual({
    name: "x",
    state: { waiting: { reason: "ImagePullBackOff", message: `${"y".repeat(299)}…` } },
  });
  expect(pod.status.containerStatuses.length).toBeLessThan(20);
  expect(JSON.stringify(pod).length).toBeLessThan(16_000);
});

test("of a pod the ends of its containers are retained, and nothing of one that runs", () => {
  const ended = { exitCode: 137, reason: "OOMKilled", finishedAt: "2026-01-01T00:00:00Z", containerID: "x", signal: 0 };
  const kept = { exitCode: 137, reason: "OOMKilled", finishedAt: "2026-01-01T00:00:00Z" };
  const status = {
    phase: "Failed",
    reason: "Evicted",
    message: "The node was low on resource: memory.",
    initContainerStatuses: [{ name: "first", restartCount: 0, state: { terminated: ended } }],
    containerStatuses: [
      { name: "quiet", restartCount: 0, state: { running: { startedAt: "x" } }, lastState: {} },
      { name: "loud", restartCount: 3, state: { running: {} }, lastState: { terminated: ended } },
    ],
  };
  expect((briefOf({ ...object("Pod", {}), status } as KubeObject) as { status?: unknown }).status).toEqual({
    phase: "Failed",
    reason: "Evicted",
    message: "The node was low on resource: memory.",
    conditions: [],
    initContainerStatuses: [{ name: "first", state: { terminated: kept } }],
    containerStatuses: [{ name: "loud", restartCount: 3, state: {}, lastState: { terminated: kept } }],
  });
});

test("of a ReplicaSet and a Deployment the revision is retained, and no other annotation", () => {
  const annotations = { "deployment.kubernetes.io/revision": "7", "deployment.kubernetes.io/desired-replicas": "2" };
  const retained = (kind: string) => briefOf(object(kind, { annotations })).metadata.annotations;
  const revision = { "deployment.kubernetes.io/revision": "7" };
  expect(["ReplicaSet", "Deployment", "Service"].map(retained)).toEqual([revision, revision, undefined]);
});

test("of our own Secrets the record of mode Sidecar is retained, whole or not at all, and of no other Secret", () => {
  const own = { "app.kubernetes.io/name": "wsproxy", "app.kubernetes.io/managed-by": "wsproxy-operator" };
  const retained = (more: Record<string, string>, length: number, kind = "Secret") => {
    const annotations = { "wsproxy.dev/sidecar": "x".repeat(length), "wsproxy.dev/service": "ClusterIP 80" };
    const brief = briefOf(object(kind, { labels: more, annotations }));
    expect(briefOf(brief)).toEqual(brief);
    return brief.metadata.annotations?.["wsproxy.dev/sidecar"]?.length;
  };
  expect(retained(own, LARGEST_SIDECAR_RECORD)).toBe(LARGEST_SIDECAR_RECORD);
  expect(briefOf(object("Secret", { labels: own })).metadata.annotations).toBeUndefined();
  expect([
    retained(own, LARGEST_SIDECAR_RECORD + 1),
    retained({}, 100),
    retained({ "app.kubernetes.io/name": "wsproxy" }, 100),
    retained({ ...own, ...labels(MOST_LABELS) }, 100),
    retained(own, 100, "ConfigMap"),
  ]).toEqual([undefined, undefined, undefined, undefined, undefined]);
});

test("the proxy among the owners is retained, wherever it stands among them", () => {
  const proxy = { kind: "WebSocketProxy", name: "chat", uid: "uid-2" };
  const retained = briefOf(object("Secret", { ownerReferences: [...LARGE.ownerReferences, proxy] })).metadata;
  expect(retained.ownerReferences?.[0]).toEqual(proxy);
  expect(retained.ownerReferences).toHaveLength(8);
});

test("owners keep their controller flag", () => {
  const ownerReferences = [
    { apiVersion: "apps/v1", kind: "ReplicaSet", name: "a-1", uid: "u", controller: true, blockOwnerDeletion: true },
  ];
  expect(briefOf(object("Pod", { ownerReferences })).metadata.ownerReferences).toEqual([
    { apiVersion: "apps/v1", kind: "ReplicaSet", name: "a-1", uid: "u", controller: true },
  ]);
});
