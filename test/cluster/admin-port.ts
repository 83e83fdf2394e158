import type { V1Pod } from "@kubernetes/client-node";
import { ADMIN_PORT } from "../../api/meta.ts";
import { configReport } from "../../api/report.ts";
import { KINDS, pathOf } from "../../operator/kube/kinds.ts";
import type { Cluster } from "./cluster.ts";
import { dataplanePods } from "./dataplane.ts";

/** What a pod says that it serves. */
export interface ServedConfig {
  readonly hash: string;
  readonly endpointsHash: string;
  readonly generation: number;
}

/** The config of a pod's one proxy. */
export async function servedConfig(cluster: Cluster, pod: V1Pod): Promise<ServedConfig> {
  const { proxies } = configReport.parse(await cluster.adminPorts.ask<unknown>(pod, "/config"));
  const { hash, endpointsHash, generation } = proxies[0] ?? {};
  if (hash === undefined || endpointsHash === undefined || generation === undefined)
    throw new Error(`${pod.metadata?.name} serves no config`);
  return { hash, endpointsHash, generation };
}

/** The sum of a metric's samples over all pods of a proxy, of those with these labels. */
export async function metric(
  cluster: Cluster,
  [namespace, proxy]: readonly [namespace: string, proxy: string],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const pods = await dataplanePods(cluster, namespace, proxy);
  return (await samples(cluster, pods, name, labels)).reduce((sum, sample) => sum + sample, 0);
}

/** Each sample of a metric of these pods, of those with these labels. */
export async function samples(
  cluster: Cluster,
  pods: readonly V1Pod[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number[]> {
  const texts = await Promise.all(pods.map((pod) => cluster.kubectl("get", "--raw", metricsOf(pod))));
  return texts.flatMap((text) => samplesIn(text, name, labels));
}

/** By way of the API server: a NetworkPolicy lets no other process of this machine through. */
function metricsOf({ metadata }: V1Pod): string {
  return `${pathOf(KINDS.Pod, metadata?.namespace, metadata?.name)}:${ADMIN_PORT}/proxy/metrics`;
}

function samplesIn(text: string, name: string, labels: Readonly<Record<string, string>>): number[] {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return lines
    .filter((line) => wanted.every((label) => line.includes(label)))
    .map((line) => Number(line.slice(line.lastIndexOf(" ") + 1)));
}
