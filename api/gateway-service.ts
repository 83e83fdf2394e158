import { z } from "zod";
import { textMap } from "./maps.ts";
import { cidr, port } from "./names.ts";
import { rule } from "./rule.ts";

/** What a WebSocketProxy says about the Service in front of its pods. */

const NAME = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?";
const DOMAIN = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";

const fields = z.strictObject({
  type: z
    .enum(["ClusterIP", "NodePort", "LoadBalancer"])
    .default("ClusterIP")
    .describe("Type of the Service, as in Kubernetes."),
  port: port
    .optional()
    .describe("Port of the Service, for clients in the cluster. Default 80, or 443 with listener.tls."),
  ipFamilyPolicy: z
    .enum(["SingleStack", "PreferDualStack"])
    .optional()
    .describe(
      "Whether the Service has an IPv4 and an IPv6 address if the cluster has both, as in Kubernetes. Default PreferDualStack with type ClusterIP, else SingleStack: not every load balancer supports both.",
    ),
  externalTrafficPolicy: z
    .enum(["Local", "Cluster"])
    .optional()
    .describe(
      "Local: a node passes connections only to its own pods, which see the client's address. Cluster: to any pod, which sees the address of the node. Default Local with type LoadBalancer, Cluster with NodePort; not with ClusterIP.",
    ),
  loadBalancerClass: z
    .string()
    .max(317)
    .regex(
      new RegExp(`^((${DOMAIN}/)?${NAME})?$`),
      "is not a class of load balancers: write a name such as internal or example.com/internal",
    )
    .default("")
    .describe(
      "Which implementation makes the load balancer, as in Kubernetes; empty: the cluster's own. Only with type LoadBalancer. Kubernetes does not change it while the type is LoadBalancer.",
    ),
  loadBalancerSourceRanges: z
    .array(cidr)
    .max(256)
    .default([])
    .describe(
      "Addresses and CIDR blocks from which the load balancer takes connections, if it can; empty: from all. As in Kubernetes, write blocks without bits beyond the prefix (10.0.0.0/8, not 10.0.0.1/8). Only with type LoadBalancer.",
    ),
  annotations: textMap(z.string().max(4096))
    .default({})
    .describe("Annotations of the Service, such as those that a cloud's load balancer reads."),
});

type Fields = z.output<typeof fields>;

/** The API server applies the rules also to the default of the whole, which has none of the fields' defaults. */
const WITH_LOAD_BALANCER = "(has(self.type) && self.type == 'LoadBalancer')";

const onlyWithLoadBalancer = {
  message: "goes with type LoadBalancer only; remove it, or write type: LoadBalancer",
  reason: "FieldValueForbidden",
} as const;

const withPolicy = rule(
  fields,
  {
    cel: "!has(self.externalTrafficPolicy) || (has(self.type) && self.type != 'ClusterIP')",
    message: "goes with type LoadBalancer or NodePort only; remove it, or write one of these types",
    field: "externalTrafficPolicy",
    reason: "FieldValueForbidden",
  },
  ({ type, externalTrafficPolicy }) => type !== "ClusterIP" || externalTrafficPolicy === undefined,
);

const withClass = rule(
  withPolicy,
  {
    ...onlyWithLoadBalancer,
    cel: `!has(self.loadBalancerClass) || self.loadBalancerClass == '' || ${WITH_LOAD_BALANCER}`,
    field: "loadBalancerClass",
  },
  ({ type, loadBalancerClass }) => type === "LoadBalancer" || loadBalancerClass === "",
);

export const gatewayService = rule(
  withClass,
  {
    ...onlyWithLoadBalancer,
    cel: `!has(self.loadBalancerSourceRanges) || size(self.loadBalancerSourceRanges) == 0 || ${WITH_LOAD_BALANCER}`,
    field: "loadBalancerSourceRanges",
  },
  ({ type, loadBalancerSourceRanges }) => type === "LoadBalancer" || loadBalancerSourceRanges.length === 0,
);

/** The traffic policy of the Service with its default; undefined: connections from outside do not reach it. */
export function trafficPolicyOf({
  type,
  externalTrafficPolicy,
}: Pick<Fields, "type" | "externalTrafficPolicy">): "Local" | "Cluster" | undefined {
  if (type === "ClusterIP") return undefined;
  return externalTrafficPolicy ?? (type === "LoadBalancer" ? "Local" : "Cluster");
}
