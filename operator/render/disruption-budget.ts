import type { V1PodDisruptionBudget } from "@kubernetes/client-node";
import type { ManifestOf } from "./manifest.ts";
import type { Scope } from "./scope.ts";

/** Allows Kubernetes to evict one pod at a time. With minAvailable, a proxy with one replica would block each node drain. */
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
