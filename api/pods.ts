import { z } from "zod";
import { gatewayService } from "./gateway-service.ts";
import { kubernetesObject, labelValue, notEmpty, textMap } from "./maps.ts";
import { objectName } from "./names.ts";
import { rule } from "./rule.ts";
import { INJECT_LABEL, INJECTED_LABEL } from "./meta.ts";
import { positiveDuration } from "./quantities.ts";

/**
 * What a WebSocketProxy says about pods: its own (Gateway), those that it joins (Sidecar), and the data plane in both.
 */

const labels = textMap(labelValue);
const annotations = textMap(z.string().max(4096));

/** Pods of a new Deployment where the spec has no number. */
export const FIRST_REPLICAS = 2;

export const gateway = z
  .strictObject({
    replicas: z
      .int()
      .min(0)
      .max(1000)
      .optional()
      .describe(
        `Number of data plane pods. Absent: the operator makes the Deployment with ${FIRST_REPLICAS}, and then leaves the number to an autoscaler or to people. Given: the operator writes it back where something else changes it in the Deployment. The scale subresource reads and writes this field.`,
      ),
    service: gatewayService.prefault({}).describe("The Service in front of the data plane pods."),
    pod: z
      .strictObject({
        labels: labels
          .default({})
          .describe("Additional labels of the pods. The labels that the operator sets take precedence."),
        annotations: annotations.default({}).describe("Additional annotations of the pods."),
        nodeSelector: labels.default({}).describe("Labels of the nodes on which the pods may run, as in Kubernetes."),
        tolerations: z
          .array(kubernetesObject.describe("A Kubernetes Toleration."))
          .max(64)
          .default([])
          .describe("Taints of nodes that the pods tolerate, as in Kubernetes."),
        affinity: kubernetesObject.default({}).describe("Affinity of the pods, as in Kubernetes."),
        topologySpreadConstraints: z
          .array(kubernetesObject.describe("A Kubernetes TopologySpreadConstraint."))
          .max(16)
          .default([])
          .describe("How the pods spread over zones and nodes, as in Kubernetes. Empty: over nodes, if possible."),
        priorityClassName: z
          .string()
          .max(253)
          .regex(/^([a-z0-9]([-.a-z0-9]*[a-z0-9])?)?$/, "is not the name of a PriorityClass")
          .default("")
          .describe("PriorityClass of the pods; empty: none."),
        imagePullSecrets: z
          .array(
            z
              .strictObject({ name: objectName.describe("Name of the Secret.") })
              .describe("A Secret of this namespace."),
          )
          .max(16)
          .default([])
          .describe("Secrets with which nodes pull the image of the data plane."),
      })
      .prefault({})
      .describe("Settings of the data plane pods. A change here replaces the pods, one after the other."),
  })
  .describe("The data plane Deployment and its Service; only with mode Gateway.");

const podsToJoin = rule(
  notEmpty(labels),
  {
    cel: `!('${INJECTED_LABEL}' in self)`,
    message: `must not select by ${INJECTED_LABEL}, which the operator sets itself; select by a label of your pods`,
  },
  (map) => !Object.hasOwn(map, INJECTED_LABEL),
);

export const sidecar = z
  .strictObject({
    selector: z
      .strictObject({ matchLabels: podsToJoin.describe("Labels that a pod must have; every one is needed.") })
      .describe(
        `Pods of this namespace that get the data plane as a container, if they also have the label ${INJECT_LABEL} with the name of this WebSocketProxy.`,
      ),
  })
  .describe("Which pods get a data plane container; only with mode Sidecar.");

export const dataplane = z
  .strictObject({
    resources: kubernetesObject
      .default({})
      .describe("Requests and limits of the data plane container, as in Kubernetes. In mode Sidecar without claims."),
    maxConnections: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(10_000)
      .describe(
        "Sessions and handshakes of one pod at the same time. The pod answers further handshakes with 503 Overloaded.",
      ),
    drain: z
      .strictObject({
        period: positiveDuration
          .default("30s")
          .describe(
            "Time over which a stopping pod closes its sessions evenly, so that clients do not all reconnect at once.",
          ),
      })
      .prefault({})
      .describe("How a pod stops: first it leaves the Service, then it closes its sessions with 1012."),
    log: z
      .strictObject({
        level: z
          .enum(["debug", "info", "warn", "error"])
          .default("info")
          .describe("Least severe level that is logged."),
        access: z.enum(["All", "Refused", "None"]).default("All").describe("Which handshakes and sessions are logged."),
      })
      .prefault({})
      .describe("What the data plane logs."),
    debug: z
      .strictObject({
        payload: z
          .enum(["Never", "Allowed"])
          .default("Never")
          .describe(
            "Whether a holder of the admin token may see the first bytes of frames, up to 1 KiB each, in a trace of frames. What looks like a credential is masked; everything else that clients and backends say is shown. Each such trace is a line in the log.",
          ),
      })
      .prefault({})
      .describe("What can be watched at the admin port."),
  })
  .describe("Settings of each data plane pod.");
