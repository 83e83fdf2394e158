import type { V1ContainerStatus, V1Pod, V1PodTemplateSpec } from "@kubernetes/client-node";
import { SIDECAR } from "../../api/meta.ts";
import { KINDS } from "../../operator/kube/kinds.ts";
import type { Cluster } from "./cluster.ts";
import { isServing } from "./dataplane.ts";

/** A pod without a controller. */
export function barePod(name: string, { metadata, spec }: V1PodTemplateSpec): V1Pod {
  return { apiVersion: "v1", kind: "Pod", metadata: { ...metadata, name }, ...(spec === undefined ? {} : { spec }) };
}

/** A Job of one pod that is not tried again. */
export function job(name: string, { metadata, spec }: V1PodTemplateSpec): object {
  const template = { metadata, spec: { ...spec, restartPolicy: "Never" } };
  return { apiVersion: "batch/v1", kind: "Job", metadata: { name }, spec: { template, backoffLimit: 0 } };
}

/** The same pods, whose process is this program for Node, of modules that Node has itself. */
export function running(
  template: V1PodTemplateSpec,
  program: string,
  ...settings: readonly object[]
): V1PodTemplateSpec {
  const [first, ...others] = template.spec?.containers ?? [];
  if (first === undefined) throw new Error("the pods have no container");
  const command = ["node", "--input-type=module-typescript", "--eval", program];
  const container = Object.assign({}, first, { command, args: [] }, ...settings) as typeof first;
  return { ...template, spec: { ...template.spec, containers: [container, ...others] } };
}

/** The status of the data plane's container in a pod. */
export function gatewayStatus({ status }: V1Pod): V1ContainerStatus | undefined {
  return status?.initContainerStatuses?.find(({ name }) => name === SIDECAR.container);
}

export function processStatus({ status }: V1Pod): V1ContainerStatus | undefined {
  return status?.containerStatuses?.[0];
}

/** Has the pod a data plane of ours? */
export function hasGateway({ spec }: V1Pod): boolean {
  return spec?.initContainers?.some(({ name }) => name === SIDECAR.container) === true;
}

/** Where clients get to the data plane of one pod. */
export function urlOf({ status }: V1Pod): string {
  return `ws://${status?.podIP}:8080`;
}

/** A pod; rejects where there is none. */
export async function readPod(cluster: Cluster, namespace: string, name: string): Promise<V1Pod> {
  const pod = await cluster.get<V1Pod>(KINDS.Pod, namespace, name);
  if (pod === undefined) throw new Error(`there is no pod ${namespace}/${name}`);
  return pod;
}

/** Waits until a pod is ready, with as many restarts of that container as this at the least. */
export async function serving(
  cluster: Cluster,
  namespace: string,
  name: string,
  restarted?: { readonly status: typeof gatewayStatus; readonly times: number },
): Promise<V1Pod> {
  let pod: V1Pod = {};
  await cluster.until(`pod ${namespace}/${name} serves`, async () => {
    pod = await readPod(cluster, namespace, name);
    const restarts = restarted?.status(pod)?.restartCount ?? 0;
    return isServing(pod) && restarts >= (restarted?.times ?? 0);
  });
  return pod;
}

/** Ends the process of a pod's container as a crash would: with SIGKILL. */
export async function kill(cluster: Cluster, status: V1ContainerStatus | undefined): Promise<void> {
  await cluster.provider.kill((status?.containerID ?? "").replace(/^containerd:\/\//, ""));
}

/** What the API server says to a manifest that it refuses. */
export async function refusalOf(cluster: Cluster, namespace: string, manifest: object): Promise<string> {
  return cluster.apply(namespace, manifest).then(
    (said) => Promise.reject(new Error(`it was let in: ${said}`)),
    (error: Error) => error.message,
  );
}
