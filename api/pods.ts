import { z } from "zod";
import { kubernetesObject, labelValue, notEmpty, textMap } from "./maps.ts";
import { objectName, port } from "./names.ts";
import { positiveDuration } from "./quantities.ts";

/** What a WebSocketProxy says of its pods: those of its own, those that it joins, and what runs in either. */

const labels = textMap(labelValue);
const annotations = textMap(z.string().max(4096));

export const gateway = z
  .strictObject({
    replicas: z
      .int()
      .min(0)
      .max(1000)
      .default(2)
      .describe("How many data plane pods there are. What an autoscaler writes into the Deployment is undone."),
    service: z
      .strictObject({
        type: z
          .enum(["ClusterIP", "NodePort", "LoadBalancer"])
          .default("ClusterIP")
          .describe("Type of the Service, as in Kubernetes."),
        port: port
          .optional()
          .describe(
            "Port of the Service that clients in the cluster connect to. Default 80, or 443 with listener.tls.",
          ),
        ipFamilyPolicy: z
          .enum(["SingleStack", "PreferDualStack"])
          .optional()
          .describe(
            "Whether the Service has an address of either family where the cluster has both, as in Kubernetes. Default PreferDualStack with type ClusterIP, else SingleStack: not every load balancer has both.",
          ),
        annotations: annotations
          .default({})
          .describe("Annotations of the Service, such as those that a cloud's load balancer reads."),
      })
      .prefault({})
      .describe("The Service in front of the data plane pods."),
    pod: z
      .strictObject({
        labels: labels.default({}).describe("More labels of the pods. Those that the operator itself sets win."),
        annotations: annotations.default({}).describe("More annotations of the pods."),
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
          .describe(
            "How the pods spread over zones and nodes, as in Kubernetes. Empty: over nodes, where that is possible.",
          ),
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
          .describe("Secrets with which the image of the data plane is pulled."),
      })
      .prefault({})
      .describe("The shape of the data plane pods. A change here replaces the pods, one after the other."),
  })
  .describe("The data plane Deployment and its Service; only with mode Gateway.");

export const sidecar = z
  .strictObject({
    selector: z
      .strictObject({ matchLabels: notEmpty(labels).describe("Labels that a pod must have, all of them.") })
      .describe("Pods of this namespace that get the data plane as a container."),
  })
  .describe("Which pods get a data plane beside them; only with mode Sidecar, which is not supported yet.");

export const dataplane = z
  .strictObject({
    resources: kubernetesObject
      .default({})
      .describe("Requests and limits of the data plane container, as in Kubernetes."),
    maxConnections: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(10_000)
      .describe("Sessions and handshakes per pod; above it handshakes are answered 503 Overloaded."),
    drain: z
      .strictObject({
        period: positiveDuration
          .default("30s")
          .describe(
            "Time over which a stopping pod closes its sessions, evenly, so that clients do not all return at once.",
          ),
      })
      .prefault({})
      .describe("How a pod stops: it leaves the Service first, then closes its sessions with 1012."),
    log: z
      .strictObject({
        level: z
          .enum(["debug", "info", "warn", "error"])
          .default("info")
          .describe("The least severe lines that are logged."),
        access: z.enum(["All", "Refused", "None"]).default("All").describe("Which handshakes and sessions are logged."),
      })
      .prefault({})
      .describe("What the data plane logs."),
  })
  .describe("Settings of each data plane pod.");
