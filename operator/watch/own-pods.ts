import { isOf } from "./belonging.ts";
import type { Pod } from "./pod.ts";
import type { KubeObject } from "../kube/kinds.ts";
import type { Owner } from "../render/owner.ts";

/** The pods with a proxy's labels. */
export interface PodsOfProxy {
  /** Pods that the proxy's Deployment made. */
  readonly own: readonly Pod[];
  /** All others: any account that makes pods in the namespace may give them these labels. */
  readonly strangers: readonly Pod[];
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
  const makers = new Set<string>();
  if (deployment !== undefined && isOf(owner, deployment)) {
    for (const replicaSet of replicaSets) {
      const { uid } = replicaSet.metadata;
      if (uid !== undefined && controllerOf(replicaSet, "Deployment") === deployment.metadata.uid) makers.add(uid);
    }
  }
  const isOwn = (pod: Pod): boolean => makers.has(controllerOf(pod, "ReplicaSet") ?? "");
  return { own: pods.filter(isOwn), strangers: pods.filter((pod) => !isOwn(pod)) };
}

/** uid of the object of this kind that controls another one; undefined: none does. */
export function controllerOf({ metadata }: KubeObject, kind: "Deployment" | "ReplicaSet"): string | undefined {
  return (metadata.ownerReferences ?? []).find((one) => one.controller === true && one.kind === kind)?.uid;
}
