import type { V1Service, V1ServiceSpec } from "@kubernetes/client-node";
import { trafficPolicyOf } from "../../api/gateway-service.ts";
import type { ManifestOf } from "./manifest.ts";
import { PORT } from "./pod.ts";
import type { GatewayInfra } from "./settings.ts";
import type { Scope } from "./scope.ts";

type ServiceSettings = GatewayInfra["gateway"]["service"];

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
      ...fromOutside(gateway.service),
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

/** How connections from outside come in. Fields that do not go with the type are left out, and so removed by the apply. */
function fromOutside(settings: ServiceSettings): Partial<V1ServiceSpec> {
  const externalTrafficPolicy = trafficPolicyOf(settings);
  if (externalTrafficPolicy === undefined) return {};
  const { type, loadBalancerClass, loadBalancerSourceRanges: ranges } = settings;
  if (type !== "LoadBalancer") return { externalTrafficPolicy };
  return {
    externalTrafficPolicy,
    ...(loadBalancerClass === "" ? {} : { loadBalancerClass }),
    ...(ranges.length === 0 ? {} : { loadBalancerSourceRanges: ranges.map(block) }),
  };
}

/** Kubernetes takes CIDR blocks only. */
function block(range: string): string {
  return range.includes("/") ? range : `${range}/${range.includes(":") ? 128 : 32}`;
}
