import { z } from "zod";
import { cidr, hostname, label, objectName, path } from "./names.ts";
import { policiesSpec } from "./policies/index.ts";
import { positiveDuration } from "./quantities.ts";

/** The WebSocketProxy resource as users write it. Every description here becomes the CRD's and the reference's. */

const port = z.int().min(1).max(65_535);
const stringMap = z.record(z.string().max(317), z.string().max(4096));
const kubernetesObject = z.record(z.string(), z.unknown()).meta({ "x-kubernetes-preserve-unknown-fields": true });

export const gateway = z
  .strictObject({
    replicas: z.int().min(0).max(1000).default(2).describe("Data plane pods."),
    service: z
      .strictObject({
        type: z.enum(["ClusterIP", "NodePort", "LoadBalancer"]).default("ClusterIP").describe("Type of the Service."),
        port: port.optional().describe("Port of the Service. Default 80, or 443 with listener.tls."),
        annotations: stringMap.default({}).describe("Annotations of the Service."),
      })
      .prefault({})
      .describe("The Service in front of the data plane."),
    pod: z
      .strictObject({
        labels: stringMap.default({}).describe("More labels of the pods."),
        annotations: stringMap.default({}).describe("More annotations of the pods."),
        nodeSelector: stringMap.default({}).describe("Kubernetes nodeSelector."),
        tolerations: z.array(kubernetesObject).max(64).default([]).describe("Kubernetes tolerations."),
        affinity: kubernetesObject.default({}).describe("Kubernetes affinity."),
        topologySpreadConstraints: z.array(kubernetesObject).max(16).default([]).describe("Kubernetes constraints."),
        priorityClassName: z
          .union([objectName, z.literal("")])
          .default("")
          .describe("Kubernetes priority class."),
        imagePullSecrets: z
          .array(z.strictObject({ name: objectName }))
          .max(16)
          .default([])
          .describe("Secrets with which the image is pulled."),
      })
      .prefault({})
      .describe("The shape of the data plane pods."),
  })
  .describe("The data plane Deployment and its Service; only with mode Gateway.");

const sidecar = z
  .strictObject({
    selector: z
      .strictObject({ matchLabels: stringMap.refine((it) => Object.keys(it).length > 0, "must select something") })
      .describe("Pods of this namespace that get the data plane as a container."),
  })
  .describe("Which pods get a data plane beside them; only with mode Sidecar.");

const dataplane = z
  .strictObject({
    resources: kubernetesObject.default({}).describe("Kubernetes resource requirements of the container."),
    maxConnections: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(10_000)
      .describe("Sessions and handshakes per pod; above it handshakes are answered 503 Overloaded."),
    drain: z
      .strictObject({
        period: positiveDuration.default("30s").describe("Time over which a stopping pod closes its sessions."),
      })
      .prefault({})
      .describe("How a pod stops."),
    log: z
      .strictObject({
        level: z.enum(["debug", "info", "warn", "error"]).default("info").describe("Least severe line that is logged."),
        access: z.enum(["All", "Refused", "None"]).default("All").describe("Which handshakes and sessions are logged."),
      })
      .prefault({})
      .describe("What the data plane logs."),
  })
  .describe("Settings of each data plane pod.");

const listener = z
  .strictObject({
    port: port.optional().describe("Port that clients connect to. Default 8080, or 8443 with tls."),
    tls: z
      .strictObject({ secretName: objectName.describe("kubernetes.io/tls Secret.") })
      .optional()
      .describe("Makes the listener wss only. The certificate is rotated without a restart."),
    trustedProxies: z
      .array(cidr)
      .max(256)
      .default([])
      .describe("Peers whose X-Forwarded-For and X-Forwarded-Proto are believed."),
  })
  .describe("Where clients connect.");

const PORT = "must be a port number (1 to 65535) or the name of a port of the Service";

const backend = z.strictObject({
  service: objectName
    .optional()
    .describe("Service in this namespace. Absent in mode Sidecar, where the port is on the pod itself."),
  port: z
    .union(
      [
        port,
        z
          .string()
          .min(1)
          .max(63)
          .regex(/^[a-z0-9-]+$/, PORT),
      ],
      { error: PORT },
    )
    .meta({ "x-kubernetes-int-or-string": true })
    .describe("Number or name of a port of the Service."),
  weight: z.int().min(0).max(1_000_000).default(1).describe("Share of new sessions, relative to the other backends."),
  tls: z
    .strictObject({
      serverName: z
        .string()
        .min(1)
        .max(253)
        .regex(/^[A-Za-z0-9.-]+$/)
        .optional()
        .describe("Name in SNI and in the certificate. Default <service>.<namespace>.svc."),
      caSecretName: objectName.optional().describe("Secret with key ca.crt. Absent: public roots."),
      clientSecretName: objectName
        .optional()
        .describe("kubernetes.io/tls Secret that the gateway shows to the backend."),
    })
    .optional()
    .describe("The backend is dialled with TLS."),
  basicAuthSecretName: objectName
    .optional()
    .describe("kubernetes.io/basic-auth Secret, sent as the Authorization header of the handshake."),
});

/** One route; parsed by itself, so that a mistake in one leaves the others working. */
export const route = z.strictObject({
  name: label.describe("Name of the route, unique in the list; a label of metrics."),
  hostnames: z
    .array(hostname)
    .max(64)
    .default([])
    .describe("Host names that the route serves; `*.example.com` is one or more labels. Absent: any."),
  path: z
    .strictObject({
      type: z.enum(["Prefix", "Exact"]).default("Prefix").describe("A Prefix ends at a / boundary."),
      value: path.default("/").describe("Compared byte by byte; nothing is decoded."),
    })
    .prefault({})
    .describe("Which paths the route serves."),
  rewrite: z
    .strictObject({ path: path.describe("Replaces the matched prefix (Prefix) or the whole path (Exact).") })
    .optional()
    .describe("The path that the backend sees."),
  backends: z.array(backend).min(1).max(64).describe("Where sessions go."),
  loadBalancing: z
    .enum(["LeastConnections", "RoundRobin", "Random"])
    .default("LeastConnections")
    .describe("How an endpoint is picked for a new session."),
  policies: policiesSpec.default({}).describe("A key here replaces the whole same key of spec.policies."),
});

const header = {
  mode: z.enum(["Gateway", "Sidecar"]).default("Gateway").describe("A Deployment of its own, or a container in pods."),
  gateway: gateway.optional(),
  sidecar: sidecar.optional(),
  dataplane: dataplane.prefault({}),
  listener: listener.prefault({}),
  policies: policiesSpec.default({}).describe("The default for every route."),
};

type Modes = { mode?: unknown; gateway?: unknown; sidecar?: unknown };

const modeFits = <T extends z.ZodType<Modes>>(schema: T): T =>
  schema
    .refine((it) => it.mode === "Sidecar" || it.sidecar === undefined, {
      path: ["sidecar"],
      message: "goes with mode Sidecar only; remove it, or write mode: Sidecar",
    })
    .refine((it) => it.mode !== "Sidecar" || it.gateway === undefined, {
      path: ["gateway"],
      message: "goes with mode Gateway only; remove it, or write mode: Gateway",
    })
    .refine((it) => it.mode !== "Sidecar" || it.sidecar !== undefined, {
      path: ["sidecar"],
      message: "is required with mode Sidecar: name the pods with selector.matchLabels",
    });

/** Routes of one WebSocketProxy. */
export const MAX_ROUTES = 1024;

/** The whole spec: what the CRD is made of. */
export const spec = modeFits(
  z.strictObject({
    ...header,
    routes: z
      .array(route)
      .min(1)
      .max(MAX_ROUTES)
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
      .describe("What is served. The most specific host and path wins, whatever the order."),
  }),
);

/** The spec with its routes left unread: they are parsed one by one with `route`. */
export const specHeader = modeFits(
  z.strictObject({
    ...header,
    routes: z
      .array(z.unknown(), { error: "must be a list of at least one route" })
      .min(1, "must be a list of at least one route")
      .max(MAX_ROUTES, `must be at most ${MAX_ROUTES} routes`),
  }),
);

/** The rules between mode and the rest by themselves: told also where some other field is wrong. */
export const modeRules = modeFits(
  z.looseObject({
    mode: z.unknown().optional(),
    gateway: z.unknown().optional(),
    sidecar: z.unknown().optional(),
  }),
);

/** Metadata as far as we read it; the rest is Kubernetes' own and passes. */
export const metadata = z.looseObject({
  name: objectName,
  namespace: label.default("default"),
  generation: z.int().min(0).default(1),
  uid: z.string().max(128).default(""),
  creationTimestamp: orNull(z.string().max(64), ""),
  labels: orNull(z.record(z.string(), z.string()), {}),
  annotations: orNull(z.record(z.string(), z.string()), {}),
});

/** What Kubernetes' own tools write as null where there is nothing. */
function orNull<T>(schema: z.ZodType<T>, nothing: T) {
  return schema.nullish().transform((value) => value ?? nothing);
}

export type WebSocketProxySpec = z.output<typeof specHeader>;
export type RouteSpec = z.output<typeof route>;
export type BackendSpec = RouteSpec["backends"][number];
export type ObjectMetadata = z.output<typeof metadata>;
