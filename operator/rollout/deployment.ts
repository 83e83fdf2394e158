import { textSize } from "../../api/text-size.ts";
import type { KubeObject } from "../kube/kinds.ts";
import { shortened } from "../shortened.ts";
import { metadataOf } from "../watch/brief-object.ts";
import { OBJECT_WEIGHT, type Form } from "../watch/contents.ts";

/** Our Deployment: what it wants, and how far Kubernetes is with it. */
export interface Deployment extends KubeObject {
  readonly spec?: { readonly replicas?: number; readonly paused?: boolean };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly updatedReplicas?: number;
    readonly conditions?: readonly DeploymentCondition[];
  };
}

interface DeploymentCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

/** Longest words of Kubernetes that are passed on. */
export const LONGEST = 300;
const USED = ["ReplicaFailure", "Progressing"];

/** The fields of a Deployment that say how far a rollout is. */
export const deploymentForm: Form<Deployment> = {
  name: "rollout",
  of: (object) => {
    const { metadata, spec = {}, status = {} } = object as Deployment;
    const { generation } = metadata;
    const { replicas, paused } = spec;
    const { observedGeneration, updatedReplicas, conditions = [] } = status;
    const value = {
      metadata: { ...metadataOf("Deployment", metadata), ...(generation === undefined ? {} : { generation }) },
      spec: { ...(replicas === undefined ? {} : { replicas }), ...(paused === undefined ? {} : { paused }) },
      status: {
        ...(observedGeneration === undefined ? {} : { observedGeneration }),
        ...(updatedReplicas === undefined ? {} : { updatedReplicas }),
        conditions: conditions
          .filter(({ type }) => USED.includes(type))
          .slice(0, USED.length)
          .map(({ type, status: holds, reason = "", message = "" }) => {
            return { type, status: holds, reason: shortened(reason, LONGEST), message: shortened(message, LONGEST) };
          }),
      },
    };
    return { value, weight: OBJECT_WEIGHT + textSize(value, Infinity) };
  },
};

/** Is this condition of the Deployment so? */
export function conditionOf(
  { status }: Deployment,
  type: "ReplicaFailure" | "Progressing",
  holds: "True" | "False",
): DeploymentCondition | undefined {
  return status?.conditions?.find((one) => one.type === type && one.status === holds);
}
