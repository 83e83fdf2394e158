import { isOf } from "./belonging.ts";
import { REVISION } from "./brief-object.ts";
import type { Pod } from "./pod.ts";
import type { KubeObject } from "../kube/kinds.ts";
import type { Owner } from "../render/owner.ts";

/** The pods with a proxy's labels. */
export interface PodsOfProxy {
  /** Pods that the proxy's Deployment made; with `injected`, pods that got its data plane. */
  readonly own: readonly Pod[];
  /** All others: any account that makes pods in the namespace may give them these labels. */
  readonly strangers: readonly Pod[];
  /** The ReplicaSet with the newest shape of the pods; undefined: none is known. */
  readonly newest?: NewestShape | undefined;
  /** The pods are those of mode Sidecar: other controllers make them, for processes of their own. */
  readonly injected?: boolean;
}

export interface NewestShape {
  /** Of the ReplicaSet. */
  readonly uid: string;
  readonly revision: number;
}

/**
 * Separates a proxy's own pods from pods that only have its labels: of an own pod, the uids link proxy, Deployment,
 * ReplicaSet and pod. As long as its ReplicaSet is not in the cache, a pod counts as a stranger; the event of
 * the ReplicaSet brings the next pass.
 */
export function podsOf(
  owner: Pick<Owner, "uid">,
  deployment: KubeObject | undefined,
  replicaSets: readonly KubeObject[],
  pods: readonly Pod[],
): PodsOfProxy {
  const makers = new Map<string, number>();
  if (deployment !== undefined && isOf(owner, deployment)) {
    for (const replicaSet of replicaSets) {
      const { uid } = replicaSet.metadata;
      if (uid !== undefined && controllerOf(replicaSet, "Deployment") === deployment.metadata.uid) {
        makers.set(uid, revisionOf(replicaSet));
      }
    }
  }
  const isOwn = (pod: Pod): boolean => makers.has(controllerOf(pod, "ReplicaSet") ?? "");
  const newest = newestOf(makers);
  return {
    own: pods.filter(isOwn),
    strangers: pods.filter((pod) => !isOwn(pod)),
    ...(newest === undefined ? {} : { newest }),
  };
}

/** The own pods of a proxy of mode Sidecar: those with its label that have the container. */
export function injectedPodsOf(pods: readonly Pod[]): PodsOfProxy {
  return {
    own: pods.filter(({ adminPort }) => adminPort !== undefined),
    strangers: pods.filter(({ adminPort }) => adminPort === undefined),
    injected: true,
  };
}

/** Not the youngest ReplicaSet: a shape that comes back has its old ReplicaSet, with a new revision. */
function newestOf(makers: ReadonlyMap<string, number>): NewestShape | undefined {
  const all = [...makers].map(([uid, revision]) => ({ uid, revision })).filter(({ revision }) => revision > 0);
  return all.sort((one, other) => other.revision - one.revision)[0];
}

/** The number that the Deployment controller gave a shape of the pods; 0: none yet. */
export function revisionOf({ metadata }: KubeObject): number {
  const revision = Number(metadata.annotations?.[REVISION] ?? 0);
  return Number.isSafeInteger(revision) && revision > 0 ? revision : 0;
}

/** uid of the object of this kind that controls another one; undefined: none does. */
export function controllerOf({ metadata }: KubeObject, kind: "Deployment" | "ReplicaSet"): string | undefined {
  return (metadata.ownerReferences ?? []).find((one) => one.controller === true && one.kind === kind)?.uid;
}
