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
    observedGeneration: generation.optional().describe("The metadata.generation that the status is about."),
    conditions: conditions
      .optional()
      .describe(
        "Accepted (the spec is valid), ResolvedRefs (everything that it names was found), Programmed (every pod has the newest shape and serves this generation), Ready (at least one pod takes traffic by an accepted config).",
      ),
    address: z
      .string()
      .max(320)
      .optional()
      .describe(
        "Where clients reach the proxy: the load balancer's address, or else the Service's name in the cluster.",
      ),
    acceptedRoutes: z.string().max(16).optional().describe("How many of the routes are accepted, such as 3/4."),
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
