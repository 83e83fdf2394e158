import type { V1Service, V1ServiceSpec } from "@kubernetes/client-node";
import { KINDS } from "../../operator/kube/kinds.ts";
import type { Cluster } from "./cluster.ts";
import { columns } from "./printed-columns.ts";

/** The Service under a proxy's name, whichever client made it. */
export async function serviceOf(cluster: Cluster, namespace: string, proxy: string): Promise<V1ServiceSpec> {
  const found = await cluster.get<V1Service>(KINDS.Service, namespace, `wsproxy-${proxy}`);
  if (found?.spec === undefined) throw new Error(`there is no Service of ${namespace}/${proxy}`);
  return found.spec;
}

/** Its ports, each with the protocol that it says it speaks. */
export async function portsOf(
  cluster: Cluster,
  namespace: string,
  proxy: string,
): Promise<[port: number, appProtocol: string | undefined][]> {
  const { ports = [] } = await serviceOf(cluster, namespace, proxy);
  return ports.map(({ port, appProtocol }) => [port, appProtocol]);
}

/** What `kubectl get wsp` shows as the address of a proxy. */
export async function shownAddress(cluster: Cluster, namespace: string, proxy: string): Promise<string> {
  return (await columns(cluster, namespace, proxy))["ADDRESS"] ?? "";
}
