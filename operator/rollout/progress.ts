import type { PodState } from "../pods/dataplane-pods.ts";
import { controllerOf, revisionOf, type PodsOfProxy } from "../watch/own-pods.ts";
import { isAlive, type Pod } from "../watch/pod.ts";
import type { Deployment } from "./deployment.ts";

/** How many pods of a proxy are as they are to be, and which ones are not. */
export interface Progress {
  /** Pods that the Deployment is to have, at the least. */
  readonly wanted: number;
  /** Pods of the newest shape that are ready and serve the newest generation. */
  readonly done: number;
  readonly isDone: boolean;
  /** Pods of the newest shape that are not ready. */
  readonly notReady: readonly Pod[];
  /** Pods that are ready and do not serve what they are to: of the newest shape at once, of an older one when they are late. */
  readonly behind: readonly string[];
  /** Pods of an older shape, ready or not. */
  readonly older: readonly string[];
  /** Has the Deployment controller seen the Deployment as it is, and is its newest ReplicaSet known? */
  readonly isObserved: boolean;
}

export interface ProgressFacts {
  readonly deployment: Deployment | undefined;
  readonly pods: PodsOfProxy;
  readonly state: PodState;
  /** Do pods serve of which this process knows nothing yet? The status that stands said so. */
  readonly trusted: boolean;
  /** Does a pod only seem to be ready, between two crashes? */
  readonly isRestless: (pod: Pod) => boolean;
}

/** Counts the pods. A pod that is being deleted does not count, and more pods than wanted are no fault. */
export function progressOf({ deployment, pods, state, trusted, isRestless }: ProgressFacts): Progress {
  const newest = newestOf(pods).filter(isAlive);
  const fresh = new Set(newest);
  const ready = new Set(state.ready);
  const behind = new Set([...state.outdated, ...state.late, ...(trusted ? [] : state.unproven)]);
  const settled = newest.filter((pod) => ready.has(pod.metadata.name) && !isRestless(pod));
  const calm = new Set(settled);
  const late = settled.filter(({ metadata: { name } }) => behind.has(name));
  const wanted = Math.max(deployment?.spec?.replicas ?? 0, settled.length);
  const older = pods.own.filter((pod) => isAlive(pod) && !fresh.has(pod)).map(({ metadata: { name } }) => name);
  // One that refuses the config is told of by itself.
  const refusing = new Set(state.refusing.map(({ pod }) => pod));
  const untold = new Set(state.late.filter((name) => !refusing.has(name)));
  const done = settled.length - late.length;
  const isObserved = deployment !== undefined && isSeen(deployment, pods);
  // While a Deployment is paused its newest ReplicaSet may have an older shape: then it counts no updated pods.
  const isUpdated = (deployment?.status?.updatedReplicas ?? 0) >= (deployment?.spec?.replicas ?? 0);
  const isEmpty = deployment?.spec?.replicas === 0 && newest.length === 0;
  return {
    wanted,
    done,
    isDone: older.length === 0 && (isEmpty || (isObserved && isUpdated && done >= wanted)),
    notReady: newest.filter((pod) => !calm.has(pod)),
    behind: [...late.map(({ metadata: { name } }) => name), ...older.filter((name) => untold.has(name))].sort(),
    older: older.sort(),
    isObserved,
  };
}

/** The proxy's own pods with the newest shape, those included that are at their end. */
export function newestOf({ own, newest }: PodsOfProxy): readonly Pod[] {
  return newest === undefined ? [] : own.filter((pod) => controllerOf(pod, "ReplicaSet") === newest.uid);
}

function isSeen(deployment: Deployment, { newest }: PodsOfProxy): boolean {
  const { metadata, status } = deployment;
  const isCurrent = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  return isCurrent && newest?.revision === revisionOf(deployment);
}
