import type { V1Pod, V1PodTemplateSpec, V1Service } from "@kubernetes/client-node";
import { INJECT_LABEL, INJECTED_LABEL } from "../../api/meta.ts";
import type { Cluster } from "./cluster.ts";
import { isServing } from "./dataplane.ts";
import { proxyManifest } from "./web-socket-proxy.ts";
import { ours } from "./workloads.ts";

/** Where the process listens in its pod. */
export const PROCESS = 3000;
/** Drain period of these proxies, in ms. */
export const DRAIN = 3000;

/** A WebSocketProxy of mode Sidecar for the pods of `app`, in front of their own process. */
export function sidecarProxy(name: string, policies: object, app = name): object {
  return proxyManifest(name, sidecarSpec(policies, app));
}

export function sidecarSpec(policies: object, app: string): object {
  return {
    mode: "Sidecar",
    sidecar: { selector: { matchLabels: { app } } },
    dataplane: { drain: { period: `${DRAIN}ms` }, resources: { requests: { cpu: "10m", memory: "64Mi" } } },
    listener: { trustedProxies: ["0.0.0.0/0"] }, // clients have addresses of their own, by which they are found on a pod
    routes: [{ name: "all", backends: [{ port: PROCESS }], policies }],
  };
}

/** Pods that a user makes: the sample backend on loopback, with the label that asks for the gateway. */
export function labelledPods(proxy: string, app = proxy, ...args: readonly string[]): V1PodTemplateSpec {
  const command = args.length > 0 ? args : ["sample-backend", "--address", "127.0.0.1", "--port", String(PROCESS)];
  return {
    metadata: { labels: { app, [INJECT_LABEL]: proxy } },
    spec: {
      containers: [{ ...ours("app", PROCESS, ...command), ports: [] }],
      terminationGracePeriodSeconds: 5,
    },
  };
}

/** A Deployment or StatefulSet of such pods. */
export function workload(
  kind: "Deployment" | "StatefulSet",
  name: string,
  replicas: number,
  template: V1PodTemplateSpec,
): object {
  const selector = { matchLabels: { app: template.metadata?.labels?.["app"] ?? name } };
  const spec = { replicas, selector, template, ...(kind === "StatefulSet" ? { serviceName: name } : {}) };
  return { apiVersion: "apps/v1", kind, metadata: { name }, spec };
}

/** The user's Service: its targetPort is the gateway's port in each pod. */
export function userService(name: string, app = name): V1Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { selector: { app }, ports: [{ name: "ws", port: 80, targetPort: "wsproxy" }] },
  };
}

/** The pods that have a data plane of the proxy, those that are stopping, too. */
export function injectedPods(cluster: Cluster, namespace: string, proxy: string): Promise<V1Pod[]> {
  return cluster.pods(namespace, `${INJECTED_LABEL}=wsproxy-${proxy}`);
}

/** Waits until there are so many injected pods, all of them serving, and none that is stopping. */
export async function injected(cluster: Cluster, namespace: string, proxy: string, count: number): Promise<V1Pod[]> {
  let pods: V1Pod[] = [];
  await cluster.until(`${count} injected pods of ${namespace}/${proxy} serve`, async () => {
    pods = await injectedPods(cluster, namespace, proxy);
    return pods.length === count && pods.every(isServing);
  });
  return pods;
}
