import type { Target } from "./target.ts";
import type { TypedTarget } from "./target-options.ts";
import { processTarget } from "./process-target.ts";

/** Opens what was typed; what talks to Kubernetes is loaded only for a cluster. Rejects with LiveFailure. */
export async function openTarget(typed: TypedTarget, signal: AbortSignal): Promise<Target> {
  if (typed.in === "process") return processTarget(typed, signal);
  const { clusterTarget } = await import("./cluster/cluster-target.ts");
  return clusterTarget(typed, signal);
}
