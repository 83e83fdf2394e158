import type { V1Pod } from "@kubernetes/client-node";
import type { SessionPage } from "../../api/admin-pages.ts";
import type { Cluster } from "./cluster.ts";
import type { Session } from "./session.ts";

export const nameOf = ({ metadata }: V1Pod): string => metadata?.name ?? "";

/** Is the other pod this one, also after a restart of its containers? */
export const isSame =
  (pod: V1Pod) =>
  (other: V1Pod): boolean =>
    nameOf(other) === nameOf(pod);

/** The pods of a proxy, those that are stopping, too. */
export function dataplanePods(cluster: Cluster, namespace: string, proxy: string): Promise<V1Pod[]> {
  return cluster.pods(namespace, `app.kubernetes.io/component=dataplane,wsproxy.dev/proxy=wsproxy-${proxy}`);
}

/** Its Service sends clients to it. */
export function isServing({ metadata, status }: V1Pod): boolean {
  const ready = status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True");
  return ready === true && metadata?.deletionTimestamp === undefined;
}

/** Waits until there are so many pods of a proxy, all of them serving, and none that is stopping. */
export async function settled(
  cluster: Cluster,
  namespace: string,
  proxy: string,
  fits: (pods: readonly V1Pod[]) => boolean,
): Promise<V1Pod[]> {
  let pods: V1Pod[] = [];
  await cluster.until(`the pods of ${namespace}/${proxy} have settled`, async () => {
    pods = await dataplanePods(cluster, namespace, proxy);
    return pods.every(isServing) && fits(pods);
  });
  return pods;
}

/** The sessions on a pod, all pages of them. */
export async function sessionsOn(cluster: Cluster, pod: V1Pod): Promise<SessionPage["sessions"]> {
  const all: SessionPage["sessions"] = [];
  for (let after = ""; ;) {
    const { sessions, next } = await cluster.adminPorts.ask<SessionPage>(pod, `/sessions?limit=1000${after}`);
    all.push(...sessions);
    if (next === undefined) return all;
    after = `&after=${next}`;
  }
}

/**
 * Waits until a proxy's pods are so many, all of them serving, and clients of its Service get to each of them: the node's rules
 * follow later than its conditions. Resolves with the pods, when no client is left on them.
 */
export async function reached(
  cluster: Cluster,
  namespace: string,
  proxy: string,
  count: number,
  open: () => Promise<Session>,
): Promise<V1Pod[]> {
  const pods = await settled(cluster, namespace, proxy, ({ length }) => length === count);
  const callers: Session[] = [];
  await cluster.until("clients get to every pod", async () => {
    callers.push(await open());
    const on = await Promise.all(pods.map((pod) => sessionsOn(cluster, pod)));
    return on.every(({ length }) => length > 0);
  });
  for (const caller of callers) await caller.close();
  await cluster.until("every pod has seen them leave", async () => {
    const on = await Promise.all(pods.map((pod) => sessionsOn(cluster, pod)));
    return on.every(({ length }) => length === 0);
  });
  return pods;
}

/** Ends the process of a pod's first container as a crash would: with SIGKILL. */
export async function crash(cluster: Cluster, { status }: V1Pod): Promise<void> {
  const id = status?.containerStatuses?.[0]?.containerID ?? "";
  await cluster.provider.kill(id.replace(/^containerd:\/\//, ""));
}
