import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "./cluster.ts";
import { sampleBackend } from "./workloads.ts";

/** Where each obstacle is; a quota and a LimitRange hold for all pods of their namespace. */
export const PLACES = { free: "stuck", full: "stuck-quota", limited: "stuck-limits" } as const;

const QUOTA = "pods-are-enough";
const LIMITS = "pods-are-large";

/** What lets no new pod of a proxy run, while the old one serves. */
export interface Obstacle {
  /** Of its proxy. */
  readonly name: string;
  readonly title: string;
  readonly namespace: string;
  /** The part of the spec that replaces the pods. */
  readonly edit: object;
  /** Words of Kubernetes that the condition quotes. */
  readonly words: RegExp;
  /** How long the operator may wait before it says so, in ms. */
  readonly within: number;
  /** It goes with the edit; else with what stands in its namespace. */
  readonly inSpec: boolean;
}

/** Half a minute of waiting by the promise, and as much again for a busy machine. */
const SOON = 60_000;
/** Two minutes without progress, and half a minute more: a container that crashes starts anew between its waits. */
const AT_LAST = 150_000;

const drain = { period: "2s" };
const resources = (some: object): object => ({ dataplane: { drain, resources: some } });
const pod = (settings: object): object => ({ gateway: { replicas: 1, pod: settings } });
const newPods = pod({ annotations: { example: "new pods" } });

export const OBSTACLES: readonly Obstacle[] = [
  {
    name: "selector",
    title: "a nodeSelector that fits no node",
    namespace: PLACES.free,
    edit: pod({ nodeSelector: { "example.com/there-is": "no-such-node" } }),
    words: /node affinity\/selector/,
    within: SOON,
    inSpec: true,
  },
  {
    name: "cpu",
    title: "a request for more CPU than any node has",
    namespace: PLACES.free,
    edit: resources({ requests: { cpu: "1000" } }),
    words: /Insufficient cpu/,
    within: SOON,
    inSpec: true,
  },
  {
    name: "class",
    title: "a PriorityClass that does not exist",
    namespace: PLACES.free,
    edit: pod({ priorityClassName: "no-such-class" }),
    words: /no PriorityClass with name no-such-class/,
    within: SOON,
    inSpec: true,
  },
  {
    name: "memory",
    title: "a memory limit in which the process cannot start",
    namespace: PLACES.free,
    edit: resources({ limits: { memory: "24Mi" } }),
    words: /CrashLoopBackOff|OOMKilled|RunContainerError|StartError/,
    within: AT_LAST,
    inSpec: true,
  },
  {
    name: "quota",
    title: "a ResourceQuota that is full",
    namespace: PLACES.full,
    edit: newPods,
    words: /exceeded quota: pods-are-enough/,
    within: SOON,
    inSpec: false,
  },
  {
    name: "port",
    title: "a new listener port, and a ResourceQuota that is full",
    namespace: PLACES.full,
    edit: { listener: { port: 8081 } },
    words: /exceeded quota: pods-are-enough/,
    within: SOON,
    inSpec: false,
  },
  {
    name: "limits",
    title: "a LimitRange that refuses the pods",
    namespace: PLACES.limited,
    edit: newPods,
    words: /minimum memory usage per Container is 1Gi/,
    within: SOON,
    inSpec: false,
  },
];

/** A gateway of so many pods before anything is in its way. */
export function specOf(replicas: number): object {
  const open = { authentication: { require: "None" } };
  return {
    gateway: { replicas },
    // Less than by default: all pods of all proxies have room on one small node, two generations of each at a time.
    ...resources({ requests: { cpu: "10m", memory: "64Mi" } }),
    routes: [{ name: "open", backends: [{ service: "sample-backend", port: "ws" }], policies: open }],
  };
}

/** A namespace for each place, with a backend. */
export async function preparePlaces(cluster: Cluster): Promise<void> {
  for (const name of Object.values(PLACES)) {
    await cluster.namespace(name);
    await cluster.apply(name, ...sampleBackend("sample-backend", 1));
  }
  for (const name of Object.values(PLACES)) await cluster.rolledOut(name, "sample-backend");
}

/** From now on no more pods than there are fit into one place, and none fits into the other. */
export async function closePlaces(cluster: Cluster): Promise<void> {
  const count = (await cluster.pods(PLACES.full, "")).length;
  await cluster.apply(PLACES.full, {
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata: { name: QUOTA },
    spec: { hard: { pods: String(count) } },
  });
  await cluster.apply(PLACES.limited, {
    apiVersion: "v1",
    kind: "LimitRange",
    metadata: { name: LIMITS },
    spec: { limits: [{ type: "Container", min: { memory: "1Gi" } }] },
  });
  const used = (): Promise<string> =>
    cluster.kubectl("-n", PLACES.full, "get", `resourcequota/${QUOTA}`, "-o", "jsonpath={.status.used.pods}");
  await cluster.until("the quota counts the pods", async () => (await used()) === String(count));
}

export async function openPlaces(cluster: Cluster): Promise<void> {
  await cluster.kubectl("-n", PLACES.full, "delete", `resourcequota/${QUOTA}`);
  await cluster.kubectl("-n", PLACES.limited, "delete", `limitrange/${LIMITS}`);
  for (const place of [PLACES.full, PLACES.limited]) await podsAreMade(cluster, place);
}

/** The controller of ReplicaSets tries less and less often; it looks at once at one that changes. */
async function podsAreMade(cluster: Cluster, place: string): Promise<void> {
  const failures = 'jsonpath={.items[*].status.conditions[?(@.type=="ReplicaFailure")].reason}';
  await cluster.until(`pods are made in ${place}`, async () => {
    if ((await cluster.kubectl("-n", place, "get", "replicasets", "-o", failures)) === "") return true;
    const look = `example.com/look=${Date.now()}`;
    await cluster.kubectl("-n", place, "annotate", "replicasets", "--all", "--overwrite", look);
    await sleep(1000, undefined, { signal: cluster.signal });
    return false;
  });
}
