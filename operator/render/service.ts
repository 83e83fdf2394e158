import type { V1Service } from "@kubernetes/client-node";
import type { ManifestOf } from "./manifest.ts";
import { PORT } from "./pod.ts";
import type { GatewayInfra } from "./settings.ts";
import type { Scope } from "./scope.ts";

/** The Service for clients. It names the pods' port, so that pods with two port numbers can serve during a rollout. */
export function service({ gateway, servicePort }: GatewayInfra, tls: boolean, scope: Scope): ManifestOf<V1Service> {
  const { type, annotations } = gateway.service;
  // A load balancer with addresses of one family only may give a dual-stack Service no address at all.
  const { ipFamilyPolicy = type === "ClusterIP" ? "PreferDualStack" : "SingleStack" } = gateway.service;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: scope.metadata(scope.names.base, annotations),
    spec: {
      type,
      ipFamilyPolicy,
      selector: { ...scope.selector },
      ports: [
        {
          name: PORT.listener,
          port: servicePort,
          targetPort: PORT.listener,
          protocol: "TCP",
          appProtocol: tls ? "kubernetes.io/wss" : "kubernetes.io/ws",
        },
      ],
    },
  };
}
