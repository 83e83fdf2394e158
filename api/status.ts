import { z } from "zod";
import { CONDITION_TYPES } from "./conditions.ts";
import { MAX_ROUTES } from "./websocket-proxy.ts";

/** The status of a WebSocketProxy, as the operator writes it. Descriptions become the CRD's and the reference's. */

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
      .describe(`What is said: ${CONDITION_TYPES.join(", ")}.`),
    status: z.enum(["True", "False", "Unknown"]).describe("Whether it holds."),
    reason: z
      .string()
      .min(1)
      .max(1024)
      .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/)
      .describe("Why, in one word out of a closed set."),
    message: z.string().max(32_768).describe("Why, for people: every field that is wrong, and what to write instead."),
    observedGeneration: generation.optional().describe("The metadata.generation that this is said of."),
    lastTransitionTime: z.string().max(64).meta({ format: "date-time" }).describe("When `status` last changed."),
  })
  .describe("One statement about the resource.");

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
      .describe("Name of the route, or `routes[0]` by its place where it has no name of its own."),
    conditions: conditions.optional().describe("Accepted and ResolvedRefs of this route alone."),
  })
  .describe("What is said of one route.");

export const status = z
  .strictObject({
    observedGeneration: generation.optional().describe("The metadata.generation that this status is of."),
    conditions: conditions
      .optional()
      .describe(
        "Accepted (the spec is valid), ResolvedRefs (all that it names was found), Programmed (every ready pod serves this generation), Ready (and at least one takes traffic).",
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
      // One value: what somebody else put in goes, and whose each field is takes no room beside a thousand routes.
      .meta({ "x-kubernetes-list-type": "atomic" })
      .optional()
      .describe(
        "Every route by itself. One that is not accepted is left out, and the rest work. Told in brief, or not at all, where the spec leaves no room in the object.",
      ),
    dataplane: z
      .strictObject({
        replicas: pods.optional().describe("Data plane pods that there are."),
        readyReplicas: pods.optional().describe("Those of them that take traffic."),
        configHash: z
          .string()
          .max(64)
          .optional()
          .describe("SHA-256 of the config that the pods are to serve, as their /config shows it."),
      })
      .meta({ "x-kubernetes-map-type": "atomic" })
      .optional()
      .describe("The data plane pods."),
  })
  .describe("What the operator has made of the resource.");

export type WebSocketProxyStatus = z.output<typeof status>;
