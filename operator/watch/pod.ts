import type { KubeObject } from "../kube/kinds.ts";

/** How a container ended. */
export interface Ended {
  readonly reason?: string;
  readonly exitCode?: number;
  readonly finishedAt?: string;
}

/** One container of a pod. */
export interface Container {
  readonly name?: string;
  readonly restartCount?: number;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly terminated?: Ended;
  };
  readonly lastState?: { readonly terminated?: Ended };
}

/** A data plane pod: the fields that the operator reads. */
export interface Pod extends KubeObject {
  /** Of an injected pod, the admin port of the container that it got; undefined: it has no such container. */
  readonly adminPort?: number;
  readonly status?: {
    readonly phase?: string;
    /** Why a pod that failed did so, such as Evicted. */
    readonly reason?: string;
    readonly message?: string;
    readonly podIP?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly initContainerStatuses?: readonly Container[];
    readonly containerStatuses?: readonly Container[];
  };
}

/** Is the pod there to stay: neither being deleted nor at its end? */
export function isAlive({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp === undefined && status?.phase !== "Succeeded" && status?.phase !== "Failed";
}

export function isRunning(pod: Pod): boolean {
  return isAlive(pod) && pod.status?.phase === "Running";
}

export function isReady(pod: Pod): boolean {
  return isRunning(pod) && (pod.status?.conditions ?? []).some((it) => it.type === "Ready" && it.status === "True");
}
