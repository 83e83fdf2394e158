import type {
  V1NetworkPolicy,
  V1NetworkPolicyIngressRule,
  V1NetworkPolicyPeer,
  V1NetworkPolicySpec,
} from "@kubernetes/client-node";
import { OPERATOR } from "./labels.ts";
import type { ManifestOf } from "./manifest.ts";
import { PORT } from "./pod.ts";
import type { RenderSettings } from "./settings.ts";
import type { Scope } from "./scope.ts";

/** The API calls the field `from`, the client's types call it `_from`. */
type Rule = Omit<V1NetworkPolicyIngressRule, "_from"> & { from?: V1NetworkPolicyPeer[] };
type NetworkPolicyManifest = Omit<V1NetworkPolicy, "spec"> & {
  spec: Omit<V1NetworkPolicySpec, "ingress"> & { ingress: Rule[] };
};

/**
 * Lets clients reach the listener, and only the operator and scrapers reach the admin port. It does not restrict what pods
 * dial: backends and identity providers may be anywhere.
 */
export function networkPolicy(scope: Scope, settings: RenderSettings): ManifestOf<NetworkPolicyManifest> {
  const operator = {
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": settings.operatorNamespace } },
    podSelector: { matchLabels: { ...OPERATOR } },
  };
  const scrapers = settings.monitoringNamespaces.map((labels) => ({
    namespaceSelector: { matchLabels: { ...labels } },
  }));
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: scope.metadata(scope.names.base),
    spec: {
      podSelector: { matchLabels: { ...scope.selector } },
      policyTypes: ["Ingress"],
      ingress: [
        { ports: [{ protocol: "TCP", port: PORT.listener }] },
        { from: [operator, ...scrapers], ports: [{ protocol: "TCP", port: PORT.admin }] },
      ],
    },
  };
}
