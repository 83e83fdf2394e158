import type { Problem } from "../../api/problem.ts";
import type { ReadProxy } from "./read-proxy.ts";

type Unsupported = Problem<"SidecarUnsupported"> & { readonly object: string };

const MESSAGE =
  "mode Sidecar is not supported yet: nothing would put the data plane into the pods; write mode: Gateway, remove spec.sidecar, and name a Service in each backend";

/** The problem of mode Sidecar: it would give the data plane no pods, and the pods that serve now must stay. */
export function unsupportedMode({ mode }: Pick<ReadProxy, "mode">, self: string): readonly Unsupported[] {
  return mode === "Sidecar" ? [{ reason: "SidecarUnsupported", message: MESSAGE, at: "spec.mode", object: self }] : [];
}
