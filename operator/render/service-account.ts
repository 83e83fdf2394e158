import type { V1ServiceAccount } from "@kubernetes/client-node";
import type { ManifestOf } from "./manifest.ts";
import type { Scope } from "./scope.ts";

/** A ServiceAccount without a mounted token: the pods, which face the internet, make no calls to the API server. */
export function serviceAccount(scope: Scope): ManifestOf<V1ServiceAccount> {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: scope.metadata(scope.names.base),
    automountServiceAccountToken: false,
  };
}
