import type { V1PodSpec } from "@kubernetes/client-node";
import type { Labels } from "./manifest.ts";
import type { GatewayInfra } from "./settings.ts";

type Pod = GatewayInfra["gateway"]["pod"];

/** Where the pods may run: as the user says; without topologySpreadConstraints they spread over the nodes. */
export function placementOf(pod: Pod, selector: Labels): Partial<V1PodSpec> {
  const all = {
    nodeSelector: pod.nodeSelector,
    tolerations: pod.tolerations,
    affinity: pod.affinity,
    topologySpreadConstraints: spread(pod, selector),
    priorityClassName: pod.priorityClassName,
    imagePullSecrets: pod.imagePullSecrets,
  } satisfies { readonly [K in keyof V1PodSpec]?: unknown };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => Object.keys(value).length > 0));
}

const OVER_NODES: Pod["topologySpreadConstraints"][number] = {
  maxSkew: 1,
  topologyKey: "kubernetes.io/hostname",
  whenUnsatisfiable: "ScheduleAnyway",
};

/** Adds a selector of our pods to each constraint that has none: without one, a constraint counts no pods. */
function spread({ topologySpreadConstraints: given }: Pod, selector: Labels): object[] {
  const labelSelector = { matchLabels: { ...selector } };
  return (given.length === 0 ? [OVER_NODES] : given).map((constraint) => ({ labelSelector, ...constraint }));
}
