import { z } from "zod";
import { cidr, hostname, label, objectName, path, port } from "./names.ts";
import { dataplane, gateway, sidecar } from "./pods.ts";
import { policiesSpec } from "./policies/index.ts";
import { CALLED, rule } from "./rule.ts";

/** The WebSocketProxy resource as users write it. Every description here becomes the CRD's and the reference's. */

const listener = z
  .strictObject({
    port: port.optional().describe("Port that clients connect to. Default 8080, or 8443 with tls."),
    tls: z
      .strictObject({ secretName: objectName.describe("kubernetes.io/tls Secret with certificate and key.") })
      .optional()
      .describe("Makes the listener wss only. The certificate is rotated without a restart."),
    trustedProxies: z
      .array(cidr)
      .max(256)
      .default([])
      .describe("Addresses and CIDR blocks of peers whose X-Forwarded-For and X-Forwarded-Proto are believed."),
  })
  .describe("Where clients connect.");

const PORT = "must be a port number (1 to 65535) or the name of a port of the Service";

const backend = z
  .strictObject({
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
      .meta({ "x-kubernetes-int-or-string": true, [CALLED]: "port number or name" })
      .describe("Number or name of a port of the Service."),
    weight: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(1)
      .describe("Share of new sessions, relative to the other backends; 0: none."),
    tls: z
      .strictObject({
        serverName: z
          .string()
          .min(1)
          .max(253)
          .regex(/^[A-Za-z0-9.-]+$/, "is not a host name")
          .optional()
          .describe("Name in SNI and in the certificate. Default `<service>.<namespace>.svc`."),
        caSecretName: objectName
          .optional()
          .describe(
            "Secret whose entry ca.crt holds the roots that the backend's certificate is checked against. Absent: public roots.",
          ),
        clientSecretName: objectName
          .optional()
          .describe(
            'kubernetes.io/tls Secret that the gateway shows to the backend. Needs the label `wsproxy.dev/use: "true"`.',
          ),
      })
      .optional()
      .describe("Its presence makes the gateway dial the backend with TLS."),
    basicAuthSecretName: objectName
      .optional()
      .describe(
        'kubernetes.io/basic-auth Secret, sent as the Authorization header of the handshake. Needs the label `wsproxy.dev/use: "true"`.',
      ),
  })
  .describe("A Service, or a port of the pod itself.");

/** One route; parsed by itself, so that a mistake in one leaves the others working. */
export const route = z
  .strictObject({
    name: label.describe("Name of the route, unique in the list; a label of metrics."),
    hostnames: z
      .array(hostname)
      .max(64)
      .default([])
      .describe("Host names that the route serves; `*.example.com` stands for one or more labels. Empty: any host."),
    path: z
      .strictObject({
        type: z
          .enum(["Prefix", "Exact"])
          .default("Prefix")
          .describe(
            "Prefix also matches everything below the path, and ends at a / boundary; Exact matches the path alone.",
          ),
        value: path.default("/").describe("Compared byte by byte: case counts, and nothing is decoded."),
      })
      .prefault({})
      .describe("Which paths the route serves."),
    rewrite: z
      .strictObject({ path: path.describe("Replaces the matched prefix (Prefix) or the whole path (Exact).") })
      .optional()
      .describe("The path that the backend sees. Absent: the client's."),
    backends: z
      .array(backend)
      .min(1)
      .max(64)
      .describe("Where sessions go. A session stays with the backend that it was opened to."),
    loadBalancing: z
      .enum(["LeastConnections", "RoundRobin", "Random"])
      .default("LeastConnections")
      .describe("How an endpoint is picked for a new session, among the backends' by weight."),
    policies: policiesSpec
      .prefault({})
      .describe("What this route has of its own. A key here replaces the whole same key of spec.policies."),
  })
  .describe("Requests for some hosts and paths, and where they go.");

const header = {
  mode: z
    .enum(["Gateway", "Sidecar"])
    .default("Gateway")
    .describe(
      "Gateway: a Deployment and Service of its own. Sidecar, a container in pods that are there already, is not supported yet: a proxy that asks for it is not accepted (SidecarUnsupported).",
    ),
  gateway: gateway.optional(),
  sidecar: sidecar.optional(),
  dataplane: dataplane.prefault({}),
  listener: listener.prefault({}),
  policies: policiesSpec.prefault({}).describe("The policies of every route that does not have its own."),
};

type Modes = { mode?: unknown; gateway?: unknown; sidecar?: unknown };

const modeFits = <T extends z.ZodType<Modes>>(schema: T): T => {
  const sidecarAlone = rule(
    schema,
    {
      cel: "self.mode == 'Sidecar' || !has(self.sidecar)",
      message: "goes with mode Sidecar only; remove it, or write mode: Sidecar",
      field: "sidecar",
      reason: "FieldValueForbidden",
    },
    (it) => it.mode === "Sidecar" || it.sidecar === undefined,
  );
  const gatewayAlone = rule(
    sidecarAlone,
    {
      cel: "self.mode != 'Sidecar' || !has(self.gateway)",
      message: "goes with mode Gateway only; remove it, or write mode: Gateway",
      field: "gateway",
      reason: "FieldValueForbidden",
    },
    (it) => it.mode !== "Sidecar" || it.gateway === undefined,
  );
  return rule(
    gatewayAlone,
    {
      cel: "self.mode != 'Sidecar' || has(self.sidecar)",
      message: "is required with mode Sidecar: name the pods with selector.matchLabels",
      field: "sidecar",
      reason: "FieldValueRequired",
    },
    (it) => it.mode !== "Sidecar" || it.sidecar !== undefined,
  );
};

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
      .describe("What is served. The most specific host wins, then the most specific path, then the order."),
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
  z.looseObject({ mode: z.unknown().optional(), gateway: z.unknown().optional(), sidecar: z.unknown().optional() }),
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
