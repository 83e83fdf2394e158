import { ADMIN_PORT, INJECTED_LABEL, SIDECAR } from "../../../api/meta.ts";
import type { Caller } from "../../../operator/kube/call.ts";
import { list } from "../../../operator/kube/collection.ts";
import { KINDS, type KubeObject } from "../../../operator/kube/kinds.ts";
import { DATAPLANE_CONTAINER } from "../../../operator/render/pod.ts";
import { selectorText } from "../../../operator/render/labels.ts";
import { adminPortIn, type PodSpec } from "../../../operator/watch/injected-pod.ts";
import { controllerOf } from "../../../operator/watch/own-pods.ts";
import { oneLine } from "../../connect/terminal-text.ts";

/** A pod with a data plane of the proxy. */
export interface ProxyPod {
  readonly uid: string;
  readonly name: string;
  readonly adminPort: number;
  /** Its container runs, so its admin port can be asked. */
  readonly runs: boolean;
  /** It is being deleted. Its sessions are open until they are drained. */
  readonly leaving: boolean;
  /** What the pod says of its state, such as Pending. */
  readonly phase: string;
}

interface PodObject extends KubeObject {
  readonly spec?: PodSpec;
  readonly status?: {
    readonly phase?: string;
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

interface ContainerStatus {
  readonly name?: string;
  readonly state?: { readonly running?: object };
}

/**
 * All pods of a proxy, of either mode, by name; `base` is the value of its label. Pods that only have the label are left out:
 * none of them gets the token. Rejects with ApiError.
 */
export async function proxyPods(
  client: Caller,
  namespace: string,
  base: string,
  signal: AbortSignal,
): Promise<readonly ProxyPod[]> {
  const kind = KINDS.Pod;
  const [own, injected] = await Promise.all([
    list<PodObject>(client, { kind, namespace, labelSelector: selectorText(base) }, signal),
    list<PodObject>(client, { kind, namespace, labelSelector: `${INJECTED_LABEL}=${base}` }, signal),
  ]);
  const found = new Map<string, ProxyPod>();
  for (const pod of own.items) {
    if (controllerOf(pod, "ReplicaSet") === undefined) continue;
    found.set(pod.metadata.name, podOf(pod, ADMIN_PORT, pod.status?.containerStatuses, DATAPLANE_CONTAINER));
  }
  for (const pod of injected.items) {
    const port = adminPortIn(pod.spec ?? {});
    if (port === undefined) continue;
    found.set(pod.metadata.name, podOf(pod, port, pod.status?.initContainerStatuses, SIDECAR.container));
  }
  return [...found.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}

function podOf(
  { metadata, status }: PodObject,
  adminPort: number,
  containers: readonly ContainerStatus[] = [],
  container: string,
): ProxyPod {
  return {
    uid: metadata.uid ?? metadata.name,
    name: metadata.name,
    adminPort,
    runs: containers.some(({ name, state }) => name === container && state?.running !== undefined),
    leaving: metadata.deletionTimestamp !== undefined,
    phase: oneLine(status?.phase ?? "Pending").slice(0, 40),
  };
}
