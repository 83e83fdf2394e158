import type { Problem } from "../../api/problem.ts";
import type { ReadProxy } from "./read-proxy.ts";

type Unsupported = Problem<"SidecarUnsupported"> & { readonly object: string };

const MESSAGE =
  "mode Sidecar is not supported yet: nothing would put the data plane into the pods; write mode: Gateway, remove spec.sidecar, and name a Service in each backend";

/** What is wrong with the mode: the data plane would have no pods, and those that serve now must not go. */
export function unsupportedMode({ mode }: Pick<ReadProxy, "mode">, self: string): readonly Unsupported[] {
  return mode === "Sidecar" ? [{ reason: "SidecarUnsupported", message: MESSAGE, at: "spec.mode", object: self }] : [];
}
