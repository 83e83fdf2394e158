import type { V1ServiceAccount } from "@kubernetes/client-node";
import type { ManifestOf } from "./manifest.ts";
import type { Scope } from "./scope.ts";

/** An identity without a credential: the pods that face the internet ask the API nothing. */
export function serviceAccount(scope: Scope): ManifestOf<V1ServiceAccount> {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: scope.metadata(scope.names.base),
    automountServiceAccountToken: false,
  };
}
