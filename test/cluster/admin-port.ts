import type { V1Pod } from "@kubernetes/client-node";
import { ADMIN_PORT } from "../../api/meta.ts";
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
  const [served] = await cluster.api.request<ServedConfig[]>({ path: pathTo(pod, "config") });
  if (served === undefined) throw new Error(`${pod.metadata?.name} serves no config`);
  return served;
}

/** The sum of a metric's samples over all pods of a proxy, of those with these labels. */
export async function metric(
  cluster: Cluster,
  [namespace, proxy]: readonly [namespace: string, proxy: string],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const pods = await dataplanePods(cluster, namespace, proxy);
  const texts = await Promise.all(pods.map((pod) => cluster.kubectl("get", "--raw", pathTo(pod, "metrics"))));
  return texts.reduce((sum, text) => sum + sumOf(text, name, labels), 0);
}

/** By way of the API server: a NetworkPolicy lets nobody else of this machine through. */
function pathTo({ metadata }: V1Pod, page: string): string {
  return `${pathOf(KINDS.Pod, metadata?.namespace, metadata?.name)}:${ADMIN_PORT}/proxy/${page}`;
}

function sumOf(text: string, name: string, labels: Readonly<Record<string, string>>): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const samples = text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return samples
    .filter((line) => wanted.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}
