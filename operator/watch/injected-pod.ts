import { ADMIN_PORT, INJECT_LABEL, INJECTED_LABEL, OWN_PRE_STOP_ANNOTATION, SIDECAR } from "../../api/meta.ts";
import type { KubeObject } from "../kube/kinds.ts";
import { namesOf } from "../render/names.ts";
import { isAlive, type Container, type Pod } from "./pod.ts";

/** A pod as the API server shows it: what of its spec says whether it has a data plane. */
export interface PodSpec {
  readonly hostNetwork?: boolean;
  readonly initContainers?: readonly {
    readonly name?: string;
    readonly restartPolicy?: string;
    readonly ports?: readonly { readonly name?: string; readonly containerPort?: number }[];
  }[];
}

/**
 * The admin port of the native sidecar with the data plane; undefined: the pod has none. Of a pod in the node's network
 * neither: no pod with a sidecar of ours is, and the operator would ask the node.
 */
export function adminPortIn({ hostNetwork, initContainers = [] }: PodSpec): number | undefined {
  if (hostNetwork === true) return undefined;
  const sidecar = initContainers.find((it) => it.name === SIDECAR.container && it.restartPolicy === "Always");
  if (sidecar === undefined) return undefined;
  return sidecar.ports?.find(({ name }) => name === SIDECAR.admin)?.containerPort ?? ADMIN_PORT;
}

/** Value of the label of a pod with a data plane that was put into it; undefined: it has no such label. */
export function injectedLabelOf({ metadata }: KubeObject): string | undefined {
  return metadata.labels?.[INJECTED_LABEL];
}

/**
 * The name of the proxy of an injected pod, also of a proxy that is not there. `known`: the proxy of which the label's value
 * is known. undefined: no name is known that has this value.
 */
export function proxyNameOf(
  pod: KubeObject,
  known: string | undefined,
  hash: (text: string) => string,
): string | undefined {
  const base = injectedLabelOf(pod);
  if (base === undefined || known !== undefined) return known;
  const candidates = [pod.metadata.labels?.[INJECT_LABEL] ?? "", base.replace(/^wsproxy-/, "")];
  return candidates.find((name) => name !== "" && namesOf(name, hash).base === base);
}

/** Can the data plane of an injected pod take a config: does the pod have an address, and has it not come to its end? */
export function takesConfig(pod: Pod): boolean {
  return isAlive(pod) && pod.adminPort !== undefined && pod.status?.podIP !== undefined;
}

/** The container waits for these while init containers before it run: it has not failed. */
const ORDINARY = new Set(["ContainerCreating", "PodInitializing"]);

/** Is the data plane of an injected pod to serve: has its container started, or tried to? */
export function isToServe(pod: Pod): boolean {
  return takesConfig(pod) && !ORDINARY.has(sidecarOf(pod)?.state?.waiting?.reason ?? "");
}

/** The state of the data plane's container, where it does not simply run. */
export function sidecarOf({ status }: Pod): Container | undefined {
  return status?.initContainerStatuses?.find(({ name }) => name === SIDECAR.container);
}

const CONTAINER = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Names of the containers of a pod that have a preStop hook of their own; a user may write anything else there. */
export function ownPreStops({ metadata }: Pod): readonly string[] {
  return (metadata.annotations?.[OWN_PRE_STOP_ANNOTATION] ?? "").split(",").filter((name) => CONTAINER.test(name));
}
