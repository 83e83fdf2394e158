import type { V1Deployment } from "@kubernetes/client-node";
import type { ManifestOf } from "./manifest.ts";
import { podTemplate } from "./pod.ts";
import type { GatewayInfra, RenderSettings } from "./settings.ts";
import type { Scope } from "./scope.ts";

/**
 * The Deployment of the data plane pods: a rollout replaces a pod only when the new one takes connections. Without
 * `replicas` their number is left to an autoscaler.
 */
export function deployment(infra: GatewayInfra, scope: Scope, settings: RenderSettings): ManifestOf<V1Deployment> {
  const { replicas } = infra.gateway;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: scope.metadata(scope.names.base),
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      revisionHistoryLimit: 3,
      selector: { matchLabels: { ...scope.selector } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "25%" } },
      template: podTemplate(infra, scope, settings),
    },
  };
}
