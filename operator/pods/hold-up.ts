import type { Pod } from "../watch/pod.ts";
import type { KubeObject } from "../kube/kinds.ts";
import { shortened } from "../shortened.ts";

/** A Deployment, as far as it says why it has no pods. */
interface Deployment extends KubeObject {
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
  };
}

/** Longest words of Kubernetes that are passed on. */
const LONGEST = 300;
/** Every container waits for these in its first moments. */
const ORDINARY = new Set(["ContainerCreating", "PodInitializing"]);

/**
 * Why no pod is ready, in Kubernetes' own words: why the Deployment can make no pod, or else what the first pod says. Empty:
 * Kubernetes does not say.
 */
export function holdUpOf(deployment: Deployment | undefined, pods: readonly Pod[]): string {
  const failure = deployment?.status?.conditions?.find(({ type, status }) => {
    return type === "ReplicaFailure" && status === "True";
  });
  if (failure?.message !== undefined && failure.message !== "") {
    return shortened(`Deployment ${deployment?.metadata.name}: ${failure.message}`, LONGEST);
  }
  const told = pods.flatMap((pod) => {
    const words = wordsOf(pod);
    return words === undefined ? [] : [`Pod ${pod.metadata.name}: ${words}`];
  });
  return shortened(told.sort()[0] ?? "", LONGEST);
}

/** Why a pod does not run: not scheduled, no image, crashing. */
function wordsOf({ metadata, status }: Pod): string | undefined {
  if (metadata.deletionTimestamp !== undefined) return undefined;
  const unscheduled = status?.conditions?.find((it) => it.type === "PodScheduled" && it.status === "False");
  if (unscheduled !== undefined) return said(unscheduled.reason, unscheduled.message);
  const waiting = (status?.containerStatuses ?? []).map(({ state }) => state?.waiting);
  const found = waiting.find((it) => it?.reason !== undefined && !ORDINARY.has(it.reason));
  return found === undefined ? undefined : said(found.reason, found.message);
}

function said(reason = "not scheduled", message = ""): string {
  return message === "" ? reason : `${reason}: ${message}`;
}
