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

/** `from` is what the API calls it; the types have another name for it. */
type Rule = Omit<V1NetworkPolicyIngressRule, "_from"> & { from?: V1NetworkPolicyPeer[] };
type Policy = Omit<V1NetworkPolicy, "spec"> & { spec: Omit<V1NetworkPolicySpec, "ingress"> & { ingress: Rule[] } };

/**
 * Clients reach the listener; the admin port is for the operator and scrapers. What the pods dial is free:
 * backends and identity providers may be anywhere.
 */
export function networkPolicy(scope: Scope, settings: RenderSettings): ManifestOf<Policy> {
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
