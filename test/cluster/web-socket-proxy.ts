import type { WebSocketProxyStatus } from "../../api/status.ts";
import { API_VERSION, KIND } from "../../api/meta.ts";
import { KINDS } from "../../operator/kube/kinds.ts";
import type { Cluster } from "./cluster.ts";

/** A WebSocketProxy as the cluster has it. */
export interface FoundProxy {
  readonly metadata: { readonly generation: number };
  readonly status?: WebSocketProxyStatus;
}

/** A WebSocketProxy to be applied. */
export function proxyManifest(name: string, spec: object): object {
  return { apiVersion: API_VERSION, kind: KIND, metadata: { name }, spec };
}

/** Rejects where there is none. */
export async function readProxy(cluster: Cluster, namespace: string, name: string): Promise<FoundProxy> {
  const proxy = await cluster.get<FoundProxy>(KINDS.WebSocketProxy, namespace, name);
  if (proxy === undefined) throw new Error(`there is no WebSocketProxy ${namespace}/${name}`);
  return proxy;
}

/** The operator has seen the spec as it is, and said what it makes of it. */
export async function isObserved(cluster: Cluster, namespace: string, name: string): Promise<boolean> {
  const { status, metadata } = await readProxy(cluster, namespace, name);
  return status?.observedGeneration === metadata.generation;
}
