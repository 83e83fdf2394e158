import type { V1Pod } from "@kubernetes/client-node";
import { SYSTEM, type Cluster } from "./cluster.ts";

/** The pods of the operator, those that are stopping, too. */
export function operatorPods(cluster: Cluster): Promise<V1Pod[]> {
  return cluster.pods(SYSTEM, "app.kubernetes.io/component=operator");
}
