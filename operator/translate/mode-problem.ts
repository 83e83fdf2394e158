import type { Problem } from "../../api/problem.ts";
import { MODE_STAYS } from "../../api/websocket-proxy.ts";
import type { ReadProxy } from "./read-proxy.ts";
import type { Resources, SidecarSupport, TranslateOptions } from "./resources.ts";

type ModeProblem = Problem<"SidecarUnsupported" | "Invalid"> & { readonly object: string };

const UNSUPPORTED: Readonly<Record<Exclude<SidecarSupport, "On">, string>> = {
  TurnedOff:
    "mode Sidecar is turned off in this cluster, so nothing would put the data plane into pods; set sidecar.enabled: true in the values of the wsproxy chart, or make a WebSocketProxy of mode Gateway in place of this one",
  NamespaceLeftOut:
    "no pod of this namespace gets the data plane: those of kube-system and of the operator's own namespace must start while no operator runs; move the WebSocketProxy and its pods to another namespace, or make one of mode Gateway in place of this one",
  OldServer:
    "mode Sidecar needs Kubernetes 1.29 or newer, which has native sidecars; upgrade the cluster, or make a WebSocketProxy of mode Gateway in place of this one",
};

/** The problem of a mode that nothing can serve here, or that is not that of the config in force; undefined: there is none. */
export function modeProblem(
  { mode }: Pick<ReadProxy, "mode">,
  { sidecar = "On" }: Pick<TranslateOptions, "sidecar">,
  { serviceInForce, sidecarInForce }: Pick<Resources, "serviceInForce" | "sidecarInForce">,
  self: string,
): ModeProblem | undefined {
  const at = { at: "spec.mode", object: self };
  const other = mode === "Sidecar" ? serviceInForce : sidecarInForce;
  if (other !== undefined) return { reason: "Invalid", message: MODE_STAYS, ...at };
  if (mode === "Gateway" || sidecar === "On") return undefined;
  return { reason: "SidecarUnsupported", message: UNSUPPORTED[sidecar], ...at };
}
