import { expect, test } from "vitest";
import { packer } from "../platform/packer.ts";
import { namesOf } from "../render/names.ts";
import { briefOf, NUDGE } from "./brief-object.ts";
import { adminPortIn, isToServe, ownPreStops, proxyNameOf, takesConfig } from "./injected-pod.ts";
import { injectedPodsOf } from "./own-pods.ts";
import type { Pod } from "./pod.ts";

const sidecar = (port: number | undefined) => ({
  name: "wsproxy",
  restartPolicy: "Always",
  ports: [
    { name: "wsproxy", containerPort: 8080 },
    ...(port === undefined ? [] : [{ name: "wsproxy-admin", containerPort: port }]),
  ],
});

test.each<[what: string, spec: object, port: number | undefined]>([
  ["the sidecar", { initContainers: [{ name: "first" }, sidecar(9090)] }, 9090],
  ["the sidecar with a moved admin port", { initContainers: [sidecar(9191)] }, 9191],
  ["the sidecar without a named admin port", { initContainers: [sidecar(undefined)] }, 9090],
  ["no init containers", {}, undefined],
  [
    "an init container of that name that ends",
    { initContainers: [{ ...sidecar(9090), restartPolicy: undefined }] },
    undefined,
  ],
  ["a main container of that name", { containers: [sidecar(9090)] }, undefined],
  ["another native sidecar", { initContainers: [{ ...sidecar(9090), name: "mesh" }] }, undefined],
  ["the sidecar in the network of the node", { hostNetwork: true, initContainers: [sidecar(22)] }, undefined],
])("of a pod with %s the admin port is known or not", (_, spec, port) => {
  expect(adminPortIn(spec)).toBe(port);
});

const labelled = (base: string | undefined, inject?: string): Pod => ({
  metadata: {
    name: "shop-1",
    namespace: "demo",
    labels: {
      ...(base === undefined ? {} : { "wsproxy.dev/injected": base }),
      ...(inject === undefined ? {} : { "wsproxy.dev/inject": inject }),
    },
  },
});

test("the proxy of an injected pod is found by its labels, also if there is no such proxy", () => {
  const long = "a-name-of-a-proxy-that-is-longer-than-what-a-label-of-ours-can-hold";
  const { base } = namesOf(long, packer.hash);
  const of = (pod: Pod, known?: string) => proxyNameOf(pod, known, packer.hash);
  expect(of(labelled("wsproxy-chat"), "chat")).toBe("chat");
  expect(of(labelled("wsproxy-chat", "chat"))).toBe("chat");
  expect(of(labelled("wsproxy-chat"))).toBe("chat");
  expect(of(labelled(base, long))).toBe(long);
  expect(of(labelled(base))).toBeUndefined();
  expect(of(labelled("wsproxy-chat", "another"))).toBe("chat");
  expect(of(labelled("operator"))).toBeUndefined();
  expect(of(labelled(undefined, "chat"))).toBeUndefined();
});

/** A user's pod as the API server shows it, with everything that is large. */
const RAW = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "shop-1",
    namespace: "demo",
    uid: "uid-1",
    resourceVersion: "7",
    labels: {
      app: "shop",
      "wsproxy.dev/inject": "chat",
      "wsproxy.dev/injected": "wsproxy-chat",
      "pod-template-hash": "5d",
    },
    annotations: {
      [NUDGE]: "a-b",
      "wsproxy.dev/shape": "shape",
      "wsproxy.dev/own-prestop": "app,worker",
      note: "x".repeat(200_000),
    },
    ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "shop-5d", uid: "set", controller: true }],
  },
  spec: {
    initContainers: [sidecar(9191)],
    containers: [{ name: "app", env: Array.from({ length: 1000 }, (_, at) => ({ name: `E${at}`, value: "x" })) }],
  },
  status: {
    phase: "Pending",
    podIP: "10.0.0.1",
    conditions: [{ type: "Ready", status: "False", reason: "ContainersNotReady", message: "y".repeat(5000) }],
    initContainerStatuses: [
      { name: "first", restartCount: 9, state: { waiting: { reason: "CrashLoopBackOff" } } },
      { name: "wsproxy", restartCount: 0, state: { waiting: { reason: "ErrImagePull", message: "not found" } } },
    ],
    containerStatuses: [{ name: "app", restartCount: 9, state: { waiting: { reason: "CrashLoopBackOff" } } }],
  },
};

test("of an injected pod the state of the data plane's container is retained, and little else", () => {
  const pod = briefOf(RAW);
  expect(pod).toEqual({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "shop-1",
      namespace: "demo",
      uid: "uid-1",
      resourceVersion: "7",
      labels: { "wsproxy.dev/inject": "chat", "wsproxy.dev/injected": "wsproxy-chat", "pod-template-hash": "5d" },
      annotations: { [NUDGE]: "a-b", "wsproxy.dev/shape": "shape", "wsproxy.dev/own-prestop": "app,worker" },
      ownerReferences: RAW.metadata.ownerReferences,
    },
    adminPort: 9191,
    status: {
      phase: "Pending",
      podIP: "10.0.0.1",
      conditions: [{ type: "Ready", status: "False" }],
      initContainerStatuses: [
        { name: "wsproxy", state: { waiting: { reason: "ErrImagePull", message: "not found" } } },
      ],
    },
  });
  expect(ownPreStops(pod as Pod)).toEqual(["app", "worker"]);
});

test("only what can be the name of a container is one that has a hook", () => {
  const annotations = { "wsproxy.dev/own-prestop": `app,,A,x y,$(reboot),${"z".repeat(64)},b-1` };
  expect(ownPreStops({ metadata: { name: "a", annotations } })).toEqual(["app", "b-1"]);
});

test("a pod takes a config from its address on until its end, and is to serve once its container has started", () => {
  const of = (status: object, more: object = {}): [boolean, boolean] => {
    const pod = { ...(briefOf({ ...RAW, status, metadata: { ...RAW.metadata, ...more } } as never) as Pod) };
    return [takesConfig(pod), isToServe(pod)];
  };
  const podIP = "10.0.0.1";
  const waits = (reason: string) => [{ name: "wsproxy", state: { waiting: { reason } } }];
  expect(of({ phase: "Pending" })).toEqual([false, false]);
  expect(of({ phase: "Pending", podIP, initContainerStatuses: waits("PodInitializing") })).toEqual([true, false]);
  expect(of({ phase: "Pending", podIP, initContainerStatuses: waits("ErrImagePull") })).toEqual([true, true]);
  expect(of({ phase: "Pending", podIP })).toEqual([true, true]);
  expect(of({ phase: "Running", podIP })).toEqual([true, true]);
  expect(of({ phase: "Succeeded", podIP })).toEqual([false, false]);
  expect(of({ phase: "Running", podIP }, { deletionTimestamp: "2026-01-01T00:00:00Z" })).toEqual([false, false]);
});

test("T2 pods with the label and without the container are strangers", () => {
  const [own, bare] = [briefOf(RAW), briefOf({ ...RAW, spec: {} } as never)] as Pod[];
  expect(injectedPodsOf([own as Pod, bare as Pod])).toEqual({ own: [own], strangers: [bare], injected: true });
});
