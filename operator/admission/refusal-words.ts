import { ADMIN_PORT_ANNOTATION, INJECT_LABEL, SIDECAR } from "../../api/meta.ts";
import { quoted, type Problem } from "../../api/problem.ts";

/** The sentences with which a pod is refused: what is wrong, and what to change. Each is of bounded length. */

/** Labels of a selector that one sentence names. */
const MOST_NAMED = 3;

export const unreadable = (problem?: Pick<Problem, "at" | "message">): string =>
  `the pod cannot be read: ${problem?.at || "it"} ${problem?.message ?? "is not a pod"}`;

export const labelEmpty = (namespace: string): string =>
  `the label ${INJECT_LABEL} is empty; give it the name of a WebSocketProxy in namespace ${quoted(namespace)}, or remove it`;

export const labelNotAName = (value: string): string =>
  `the label ${INJECT_LABEL} is ${quoted(value)}, and no WebSocketProxy can have that name; give it the name of one of mode Sidecar, or remove it`;

export const missing = (proxy: string, namespace: string): string =>
  `there is no WebSocketProxy ${quoted(proxy)} in namespace ${quoted(namespace)}; create it first, or correct the label ${INJECT_LABEL}`;

export const notInForce = (proxy: string): string =>
  `WebSocketProxy ${quoted(proxy)} has no config in force yet; wait a moment, or correct what its condition Accepted says`;

export const ofModeGateway = (proxy: string): string =>
  `WebSocketProxy ${quoted(proxy)} is not of mode Sidecar, so it puts nothing into pods; name one of mode Sidecar in the label ${INJECT_LABEL}, or remove it`;

export function notSelected(proxy: string, lacking: readonly (readonly [string, string])[]): string {
  const labels = lacking.slice(0, MOST_NAMED).map(([key, value]) => quoted(`${key}=${value}`));
  const rest = lacking.length > MOST_NAMED ? ` and ${lacking.length - MOST_NAMED} more` : "";
  return `WebSocketProxy ${quoted(proxy)} does not select the pod; give the pod the labels ${labels.join(", ")}${rest}, or change spec.sidecar.selector of the WebSocketProxy`;
}

export const onHostNetwork =
  "the pod has hostNetwork, so the gateway's ports would be open on the node; remove spec.hostNetwork";

export const onWindows = "the pod runs on Windows, and the gateway on Linux only; use a WebSocketProxy of mode Gateway";

export const ofANode =
  "the pod is made by the kubelet from a file, so nothing can be put into it; create it with a Deployment instead";

export const nameTaken = `a container of the pod is named ${quoted(SIDECAR.container)}, as the gateway's is; rename it`;

export const adminPortUnusable = (value: string): string =>
  `the annotation ${ADMIN_PORT_ANNOTATION} is ${quoted(value)}; give it a port from 1024 to 65535`;

export const adminPortIsListener = (port: number): string =>
  `port ${port} is both the admin port and the listener's port of the gateway; give the annotation ${ADMIN_PORT_ANNOTATION} another port from 1024 to 65535`;

export const adminPortTaken = (container: string, port: number): string =>
  `container ${quoted(container)} declares port ${port}, which is the gateway's admin port; give the annotation ${ADMIN_PORT_ANNOTATION} a port from 1024 to 65535 that the pod does not use`;

export const listenerPortTaken = (container: string, port: number, proxy: string): string =>
  `container ${quoted(container)} declares port ${port}, which is the gateway's; let its process listen on another port, or change spec.listener.port of WebSocketProxy ${quoted(proxy)}`;

export const portNameTaken = (container: string, name: string): string =>
  `container ${quoted(container)} has a port named ${quoted(name)}, as the gateway has; rename the port`;
