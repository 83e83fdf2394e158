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
  readonly ready: boolean;
  /** RFC 3339; empty: the API server does not say it. */
  readonly created: string;
  /** The container with the data plane. */
  readonly container: ProxyContainer;
}

/** A container as people see it; texts are safe for a terminal. */
export interface ProxyContainer {
  readonly name: string;
  readonly restarts: number;
  /** Why it does not run, such as ImagePullBackOff. */
  readonly waiting?: string;
  /** How it ended before its last restart: reason, exit code, when (RFC 3339). */
  readonly ended?: { readonly reason: string; readonly code: number; readonly at: string };
}

interface PodObject extends KubeObject {
  readonly spec?: PodSpec;
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type?: string; readonly status?: string }[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

interface ContainerStatus {
  readonly name?: string;
  readonly restartCount?: number;
  readonly state?: { readonly running?: object; readonly waiting?: { readonly reason?: string } };
  readonly lastState?: {
    readonly terminated?: { readonly reason?: string; readonly exitCode?: number; readonly finishedAt?: string };
  };
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
  const found = containers.find(({ name }) => name === container);
  return {
    uid: metadata.uid ?? metadata.name,
    name: metadata.name,
    adminPort,
    runs: found?.state?.running !== undefined,
    leaving: metadata.deletionTimestamp !== undefined,
    phase: word(status?.phase ?? "Pending"),
    ready: (status?.conditions ?? []).some(({ type, status: it }) => type === "Ready" && it === "True"),
    created: metadata.creationTimestamp ?? "",
    container: containerOf(container, found),
  };
}

function containerOf(name: string, { restartCount = 0, state, lastState }: ContainerStatus = {}): ProxyContainer {
  const [waiting, ended] = [state?.waiting, lastState?.terminated];
  return {
    name,
    restarts: restartCount,
    ...(waiting === undefined ? {} : { waiting: word(waiting.reason ?? "waiting") }),
    ...(ended === undefined
      ? {}
      : { ended: { reason: word(ended.reason ?? "Error"), code: ended.exitCode ?? 0, at: ended.finishedAt ?? "" } }),
  };
}

function word(text: string): string {
  return oneLine(text).slice(0, 40);
}
