import { z } from "zod";
import { INJECT_LABEL } from "./meta.ts";
import { cidr, hostname, label, objectName, path, port, preciseHostname, serverName, serviceName } from "./names.ts";
import { dataplane, gateway, sidecar } from "./pods.ts";
import { policiesSpec } from "./policies/index.ts";
import { CALLED, editRule, rule, type Rule } from "./rule.ts";
import { store } from "./store.ts";
import { record } from "./unchecked.ts";

/** The WebSocketProxy resource as users write it. The descriptions become the CRD and the reference. */

const listener = z
  .strictObject({
    port: port.optional().describe("Port that clients connect to. Default 8080, or 8443 with tls."),
    tls: z
      .strictObject({ secretName: objectName.describe("kubernetes.io/tls Secret with certificate and key.") })
      .optional()
      .describe("If set, the listener takes wss only. A changed certificate takes effect without a restart."),
    trustedProxies: z
      .array(cidr)
      .max(256)
      .default([])
      .describe(
        "Addresses and CIDR blocks of proxies in front of the gateway. It trusts their X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Port.",
      ),
  })
  .describe("Where clients connect.");

const PORT = "must be a port number (1 to 65535) or the name of a port of the Service";

const backend = z
  .strictObject({
    service: serviceName
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
      .describe("Number or name of a port of the Service; without a Service the number of a port of the pod itself."),
    weight: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(1)
      .describe("Share of new sessions, relative to the other backends. 0: no new sessions."),
    tls: z
      .strictObject({
        serverName: serverName
          .optional()
          .describe("Name in SNI and in the certificate. Default `<service>.<namespace>.svc`."),
        caSecretName: objectName
          .optional()
          .describe(
            "Secret with an entry ca.crt: the CA certificates for the certificate of the backend. Absent: public CAs.",
          ),
        clientSecretName: objectName
          .optional()
          .describe(
            'kubernetes.io/tls Secret with the client certificate of the gateway. Needs the label `wsproxy.dev/use: "true"`.',
          ),
      })
      .optional()
      .describe("If set, the gateway dials the backend with TLS."),
    basicAuthSecretName: objectName
      .optional()
      .describe(
        'kubernetes.io/basic-auth Secret that the gateway sends as the Authorization header of the handshake. Needs the label `wsproxy.dev/use: "true"`.',
      ),
  })
  .describe("A Service, or a port of the pod itself.");

const rewrite = rule(
  z.strictObject({
    path: path
      .optional()
      .describe("Replaces the matched prefix (Prefix) or the whole path (Exact). Absent: the client's path."),
    hostname: preciseHostname
      .optional()
      .describe(
        "Host header that the backend gets, without a port. X-Forwarded-Host still has the client's. Absent: the client's Host.",
      ),
  }),
  { cel: "has(self.path) || has(self.hostname)", message: "must have path or hostname, or both" },
  ({ path: to, hostname: host }) => to !== undefined || host !== undefined,
).describe("What the backend sees in place of the client's path and Host.");

/** One route. Each is parsed by itself, so that a mistake in one route leaves the others working. */
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
          .describe("Prefix also matches every path below, at a / boundary. Exact matches only the path itself."),
        value: path.default("/").describe("Compared byte by byte: case counts, and the gateway decodes nothing."),
      })
      .prefault({})
      .describe("Which paths the route serves."),
    rewrite: rewrite.optional(),
    backends: z.array(backend).min(1).max(64).describe("Backends of new sessions. A session stays with its backend."),
    loadBalancing: z
      .enum(["LeastConnections", "RoundRobin", "Random"])
      .default("LeastConnections")
      .describe("How the gateway picks an endpoint for a new session. Backends share sessions by weight."),
    policies: policiesSpec
      .prefault({})
      .describe("Policies of this route. A key here replaces the whole same key of spec.policies."),
  })
  .describe("Hosts and paths of requests, and the backends that serve them.");

/** Both modes read the same config objects: pods of the one would serve what is meant for those of the other. */
export const MODE_STAYS =
  'cannot be changed; make a second WebSocketProxy with the other mode, move the clients to it, and then delete this one (guide "Gateway or sidecar?")';

/** Longest value of a label in Kubernetes. */
export const LONGEST_SIDECAR_NAME = 63;

/** About the whole resource. A name of that length is always the value of a label. */
export const sidecarName = {
  cel: `self.spec.mode != 'Sidecar' || size(self.metadata.name) <= ${LONGEST_SIDECAR_NAME}`,
  message: `must have at most ${LONGEST_SIDECAR_NAME} characters with mode Sidecar, where it is the value of the label ${INJECT_LABEL} of pods; choose a shorter name`,
  field: "metadata.name",
} as const satisfies Rule;

/** Lower ports need a right that the container in a user's pod does not have. */
const LOWEST_SIDECAR_PORT = 1024;

const header = {
  mode: editRule(z.enum(["Gateway", "Sidecar"]), { cel: "self == oldSelf", message: MODE_STAYS })
    .default("Gateway")
    .describe(
      "Gateway: a Deployment and a Service of its own. Sidecar: a container in pods that exist already; it needs Kubernetes 1.29 or newer and the chart's sidecar.enabled, and the name of the WebSocketProxy has at most 63 characters. Cannot be changed.",
    ),
  gateway: gateway.optional(),
  sidecar: sidecar.optional(),
  dataplane: dataplane.prefault({}),
  listener: listener.prefault({}),
  store: store.optional(),
  policies: policiesSpec.prefault({}).describe("Policies of every route that does not set its own."),
};

type Modes = { mode?: unknown; gateway?: unknown; sidecar?: unknown; listener?: unknown };

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
  const sidecarNeeded = rule(
    gatewayAlone,
    {
      cel: "self.mode != 'Sidecar' || has(self.sidecar)",
      message: "is required with mode Sidecar: name the pods with selector.matchLabels",
      field: "sidecar",
      reason: "FieldValueRequired",
    },
    (it) => it.mode !== "Sidecar" || it.sidecar !== undefined,
  );
  return rule(
    sidecarNeeded,
    {
      cel: `self.mode != 'Sidecar' || !has(self.listener.port) || self.listener.port >= ${LOWEST_SIDECAR_PORT}`,
      message: `must be at least ${LOWEST_SIDECAR_PORT} with mode Sidecar: the container in your pods may not open a lower port. Clients reach any port of your Service`,
      field: "listener.port",
    },
    (it) => it.mode !== "Sidecar" || !isLow(record(it.listener)["port"]),
  );
};

const isLow = (value: unknown): boolean => typeof value === "number" && value < LOWEST_SIDECAR_PORT;

/** Routes of one WebSocketProxy at most. */
export const MAX_ROUTES = 1024;

/** The whole spec: the CRD is generated from it. */
export const spec = modeFits(
  z.strictObject({
    ...header,
    routes: z
      .array(route)
      .min(1)
      .max(MAX_ROUTES)
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
      .describe(
        "What is served. If several routes match, the most specific host wins, then the most specific path, then the order.",
      ),
  }),
);

/** The spec with unparsed routes: `route` parses them one by one. */
export const specHeader = modeFits(
  z.strictObject({
    ...header,
    routes: z
      .array(z.unknown(), { error: "must be a list of at least one route" })
      .min(1, "must be a list of at least one route")
      .max(MAX_ROUTES, `must be at most ${MAX_ROUTES} routes`),
  }),
);

/** Only the rules between mode and the other fields, so that they are reported even if another field is wrong. */
export const modeRules = modeFits(
  z.looseObject({
    mode: z.unknown().optional(),
    gateway: z.unknown().optional(),
    sidecar: z.unknown().optional(),
    listener: z.unknown().optional(),
  }),
);

/** A map of texts as Kubernetes reads it: a value that is null is an empty text. */
export const texts = orNull(
  z.record(
    z.string(),
    z
      .string()
      .nullable()
      .transform((value) => value ?? ""),
  ),
  {},
);

/** The fields of metadata that wsproxy reads; all others are ignored. The API server bounds them as a whole. */
export const metadata = z.looseObject({
  name: objectName,
  namespace: z.preprocess((value) => (value === null || value === "" ? undefined : value), label.default("default")),
  generation: orNull(z.int().min(0), 1),
  uid: orNull(z.string(), ""),
  creationTimestamp: orNull(z.string(), ""),
  labels: texts,
  annotations: texts,
});

/** A field that Kubernetes tools may write as null: null and absent give `nothing`. */
function orNull<T>(schema: z.ZodType<T>, nothing: T) {
  return schema.nullish().transform((value) => value ?? nothing);
}

export type WebSocketProxySpec = z.output<typeof specHeader>;
export type RouteSpec = z.output<typeof route>;
export type BackendSpec = RouteSpec["backends"][number];
export type ObjectMetadata = z.output<typeof metadata>;
