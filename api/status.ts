import { z } from "zod";
import { CONDITION_TYPES } from "./conditions.ts";
import { MAX_ROUTES } from "./websocket-proxy.ts";

/** The status of a WebSocketProxy, as the operator writes it. The descriptions become the CRD and the reference. */

const generation = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const pods = z.int().min(0).max(1_000_000);

/** Kubernetes' own Condition (metav1), with its bounds. */
const condition = z
  .strictObject({
    type: z
      .string()
      .max(316)
      .regex(
        /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/,
      )
      .describe(`Type of the condition: ${CONDITION_TYPES.join(", ")}.`),
    status: z.enum(["True", "False", "Unknown"]).describe("Whether the condition holds."),
    reason: z
      .string()
      .min(1)
      .max(1024)
      .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/)
      .describe("Why, as one word of a closed set."),
    message: z.string().max(32_768).describe("Why, for people: every field that is wrong, and what to write instead."),
    observedGeneration: generation.optional().describe("The metadata.generation that the condition is about."),
    lastTransitionTime: z.string().max(64).meta({ format: "date-time" }).describe("When `status` last changed."),
  })
  .describe("One condition of the resource.");

const conditions = z
  .array(condition)
  .max(16)
  .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] });

const route = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(63)
      .describe("Name of the route; for a route without a name its index, such as `routes[0]`."),
    conditions: conditions.optional().describe("Accepted and ResolvedRefs of this route alone."),
  })
  .describe("The conditions of one route.");

export const status = z
  .strictObject({
    observedGeneration: generation
      .optional()
      .describe(
        "The metadata.generation that the status is about. Smaller than metadata.generation for more than some seconds: no operator has worked on the last edit.",
      ),
    conditions: conditions
      .optional()
      .describe(
        "Accepted (the spec is valid), ResolvedRefs (everything that it names was found), Programmed (every pod serves this generation and, in mode Gateway, has the newest shape), Ready (at least one pod takes traffic by an accepted config).",
      ),
    address: z
      .string()
      .max(320)
      .optional()
      .describe(
        "Host and port at which clients reach the proxy. With a Service of type LoadBalancer: the load balancer's name or address, the first if there are several, or `<pending>` while it has none. Else the Service's name, for clients in the cluster; with type NodePort, clients outside use the address of a node and the Service's node port. Absent: the proxy has no Service of its own, or another object has its name.",
      ),
    acceptedRoutes: z.string().max(16).optional().describe("How many of the routes are accepted, such as 3/4."),
    readyBackends: z
      .string()
      .max(16)
      .optional()
      .describe(
        "How many backends have at least one ready endpoint, of all backends of the routes in force, such as 2/3. The same Service and port in several routes count once. A backend that is left out, since something that it refers to is missing, is not ready. If this count alone keeps changing, it is written three times in 30 s at most.",
      ),
    routes: z
      .array(route)
      .max(MAX_ROUTES)
      // Atomic: the operator overwrites entries of other writers, and managedFields stay small beside a thousand routes.
      .meta({ "x-kubernetes-list-type": "atomic" })
      .optional()
      .describe(
        "The conditions of each route. A route that is not accepted is left out of the config; the others work. If the status would not fit into the object, the conditions are shortened, then left out.",
      ),
    dataplane: z
      .strictObject({
        replicas: pods.optional().describe("Number of data plane pods."),
        readyReplicas: pods.optional().describe("Number of data plane pods that take traffic."),
        outdated: pods
          .optional()
          .describe(
            "Only with mode Sidecar: injected pods with a container of an older shape, such as an older image or other resources. They serve the newest config all the same. Restart them to replace the container: the message of Programmed has the command.",
          ),
        selector: z
          .string()
          .max(256)
          .optional()
          .describe("Label selector of the data plane pods, as text; the scale subresource shows it to autoscalers."),
        configHash: z
          .string()
          .max(64)
          .optional()
          .describe("SHA-256 of the config that the pods should serve, as their /config shows it."),
      })
      .meta({ "x-kubernetes-map-type": "atomic" })
      .optional()
      .describe("The data plane pods."),
  })
  .describe("What the operator observed and did.");

export type WebSocketProxyStatus = z.output<typeof status>;
