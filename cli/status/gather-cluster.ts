import { clusterFailure } from "../live/cluster/cluster-failures.ts";
import type { ClusterTarget } from "../live/cluster/cluster-target.ts";
import { proxyPods, type ProxyPod } from "../live/cluster/proxy-pods.ts";
import { failureIn, type LiveFailure } from "../live/live-failure.ts";
import { MOST_PLACES } from "../live/target.ts";
import { backendFacts } from "./backend-facts.ts";
import type { Facts } from "./facts.ts";
import { allFacts, type AllFacts } from "./process-facts.ts";
import { proxyFacts } from "./proxy-facts.ts";

/**
 * Asks the API server and all pods, at the same time. A part for which a right is missing is left out. Rejects with
 * LiveFailure where there is no such proxy, or nothing at all can be read.
 */
export async function gatherOfCluster(target: ClusterTarget, signal: AbortSignal): Promise<Facts> {
  const gaps: LiveFailure[] = [];
  const part = async <T>(asked: Promise<T>): Promise<T | undefined> => {
    try {
      return await asked;
    } catch (error) {
      const failure = failureIn(error);
      if (failure.kind === "NoProxy") throw failure;
      gaps.push(failure);
      return undefined;
    }
  };
  const seen = part(proxyFacts(target, signal));
  const [proxy, backends, pods, asked] = await Promise.all([
    seen,
    seen.then((one) => (one === undefined ? undefined : backendFacts(target, one.backends, signal))),
    part(podsOf(target, signal)),
    part(asking(target, signal)),
  ]);
  const processes = asked?.processes ?? [];
  if (backends?.failure !== undefined) gaps.push(backends.failure);
  const { failure } = asked ?? {};
  // That there are no pods, or none that runs, is a finding and no gap where the pods themselves can be read.
  if (failure !== undefined && (failure.kind !== "NoPods" || pods === undefined)) gaps.push(failure);
  const [first] = gaps;
  if (proxy === undefined && pods === undefined && processes.length === 0 && first !== undefined) throw first;
  const told = [...gaps, ...processes.flatMap((one) => one.gaps)];
  return {
    title: target.title,
    single: false,
    now: Date.now(),
    ...(proxy === undefined ? {} : { proxy }),
    ...(pods === undefined ? {} : { pods }),
    ...(backends === undefined ? {} : { backends }),
    processes,
    gaps: told.filter(({ message }, index) => told.findIndex((one) => one.message === message) === index),
  };
}

async function podsOf({ client, namespace, base }: ClusterTarget, signal: AbortSignal): Promise<readonly ProxyPod[]> {
  try {
    return (await proxyPods(client, namespace, base, signal)).slice(0, MOST_PLACES);
  } catch (error) {
    throw clusterFailure(error, { verbs: ["list"], resource: "pods", namespace });
  }
}

async function asking(target: ClusterTarget, signal: AbortSignal): Promise<AllFacts> {
  await target.readToken(signal);
  return allFacts(target, signal);
}
