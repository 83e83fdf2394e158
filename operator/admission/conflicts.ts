import type { Pod, PodContainer } from "../../api/admission-review.ts";
import { ADMIN_PORT, ADMIN_PORT_ANNOTATION, SIDECAR } from "../../api/meta.ts";
import { isOurs } from "./added-before.ts";
import * as words from "./refusal-words.ts";

/** Annotation of a pod that stands for one which the kubelet runs from a file. */
const MIRROR = "kubernetes.io/config.mirror";
/** Label of a node. */
const OS = "kubernetes.io/os";
/** Below it a process needs a privilege to listen. */
const FIRST_UNPRIVILEGED = 1024;

/** Why a pod cannot take the data plane, whichever WebSocketProxy it names; undefined: it can. */
export function unfitness({ metadata: { annotations = {} }, spec }: Pod): string | undefined {
  if (Object.hasOwn(annotations, MIRROR)) return words.ofANode;
  if (spec.hostNetwork) return words.onHostNetwork;
  const { [OS]: node } = { ...spec.nodeSelector };
  if (spec.os === "windows" || node === "windows") return words.onWindows;
  return others(spec).some(({ name }) => name === SIDECAR.container) ? words.nameTaken : undefined;
}

/** The admin port of a pod's data plane, or why it can have none. */
export function adminPortOf({ metadata: { annotations = {} } }: Pod, listenerPort: number): number | string {
  const text = Object.hasOwn(annotations, ADMIN_PORT_ANNOTATION) ? annotations[ADMIN_PORT_ANNOTATION] : undefined;
  const port = text === undefined ? ADMIN_PORT : /^[1-9][0-9]{3,4}$/.test(text) ? Number(text) : 0;
  if (port < FIRST_UNPRIVILEGED || port > 65_535) return words.adminPortUnusable(text ?? "");
  return port === listenerPort ? words.adminPortIsListener(port) : port;
}

/** Which port of the pod is one of ours, in words; undefined: none is. A process may still use one that it does not declare. */
export function portConflict(
  { spec }: Pod,
  proxy: string,
  { listenerPort, adminPort }: { readonly listenerPort: number; readonly adminPort: number },
): string | undefined {
  for (const { name: container, ports = [] } of others(spec)) {
    for (const { name, containerPort, protocol } of ports) {
      if (name === SIDECAR.listener || name === SIDECAR.admin) return words.portNameTaken(container, name);
      if (protocol !== "" && protocol !== "TCP") continue;
      if (containerPort === listenerPort) return words.listenerPortTaken(container, containerPort, proxy);
      if (containerPort === adminPort) return words.adminPortTaken(container, containerPort);
    }
  }
  return undefined;
}

/** The containers that the user, or another webhook, put into the pod. */
function others({ containers = [], initContainers = [] }: Pod["spec"]): PodContainer[] {
  return [...containers, ...initContainers.filter((one) => !isOurs(one))];
}
