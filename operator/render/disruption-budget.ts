import type { V1PodDisruptionBudget } from "@kubernetes/client-node";
import type { ManifestOf } from "./manifest.ts";
import type { Scope } from "./scope.ts";

/** One pod at a time is evicted. A budget that names the pods that must stay would let no node be drained with one replica. */
export function disruptionBudget(scope: Scope): ManifestOf<V1PodDisruptionBudget> {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: scope.metadata(scope.names.base),
    spec: {
      selector: { matchLabels: { ...scope.selector } },
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    },
  };
}
