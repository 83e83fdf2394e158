import { z } from "zod";
import { cidr, hostname, label, objectName, path, port, preciseHostname } from "./names.ts";
import {
  policies as policyTable,
  policyIndexes,
  policySettings,
  type PolicyKind,
  type RenderedPolicies,
} from "./policies/index.ts";
import { positiveDuration } from "./quantities.ts";

/**
 * The rendered config: all that a data plane knows. Complete (no default is left to apply, no reference to follow) and
 * strict: an unknown key is refused, so that an older data plane never skips a policy that it does not know. Names of
 * Secrets stand beside what was found in them, for the next translation: a data plane does not look at them.
 */

const pem = z.string().min(1).max(1_048_576);

/** Present: the backend is dialled with TLS. */
const backendTls = z.strictObject({
  serverName: z.string().min(1).max(253),
  caSecretName: objectName.optional(),
  /** PEM; absent: public roots. */
  ca: pem.optional(),
  clientSecretName: objectName.optional(),
  client: z.strictObject({ certificate: pem, privateKey: pem }).optional(),
});

const backend = z.strictObject({
  /** `<service>:<port>`, or `:<port>` for a port on the pod itself: the key of its endpoints in the other file. */
  endpoints: z.string().min(1).max(320),
  weight: z.int().min(0).max(1_000_000),
  tls: backendTls.optional(),
  basicAuthSecretName: objectName.optional(),
  basicAuth: z.strictObject({ username: z.string().max(1024), password: z.string().max(4096) }).optional(),
});

const route = z.strictObject({
  name: label,
  /** Empty: any host. */
  hostnames: z.array(hostname).max(64),
  path: z.strictObject({ type: z.enum(["Prefix", "Exact"]), value: path }),
  rewrite: z.strictObject({ path: path.optional(), hostname: preciseHostname.optional() }).optional(),
  /** Empty: nothing could be resolved, and the route answers 503. */
  backends: z.array(backend).max(64),
  loadBalancing: z.enum(["LeastConnections", "RoundRobin", "Random"]),
  /** Of each policy the index of its settings in `policies` of the config: 1,000 routes may share 10,000 API keys. */
  policies: policyIndexes,
  /** Policies that the route has of its own: their counters are the route's. Those of an inherited policy are the proxy's. */
  ownPolicies: z.array(z.string().max(64)).max(64),
});

/** Where limits are counted over all pods of the proxy. */
const store = z.strictObject({
  /** `host:port`; an IPv6 address stands in brackets. */
  address: z.string().min(3).max(261),
  /** Present: the store is dialled with TLS. */
  tls: z
    .strictObject({
      serverName: z.string().min(1).max(253),
      caSecretName: objectName.optional(),
      /** PEM; absent: public roots. */
      ca: pem.optional(),
    })
    .optional(),
  credentialsSecretName: objectName.optional(),
  /** An empty user name: the server's default user. */
  credentials: z.strictObject({ username: z.string().max(1024), password: z.string().max(4096) }).optional(),
  whenUnavailable: z.enum(["PerPod", "Refuse"]),
  /** False: a Secret could not be resolved and none was in force. The store is not dialled, and counts as unavailable. */
  resolved: z.boolean(),
});

const shape = z.strictObject({
  version: z.literal(1),
  proxy: z.strictObject({
    namespace: label,
    name: objectName,
    generation: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
  }),
  listener: z.strictObject({
    port,
    /** Present: wss only. Without a certificate the reference could not be resolved, and the one in force stays. */
    tls: z
      .strictObject({
        secretName: objectName.optional(),
        keyPair: z.strictObject({ certificate: pem, privateKey: pem }).optional(),
      })
      .optional(),
    trustedProxies: z.array(cidr).max(256),
  }),
  dataplane: z.strictObject({
    maxConnections: z.int().min(1).max(1_000_000),
    drain: z.strictObject({ period: positiveDuration }),
    log: z.strictObject({
      level: z.enum(["debug", "info", "warn", "error"]),
      access: z.enum(["All", "Refused", "None"]),
    }),
    /**
     * Absent: a trace of frames shows no payload. It stands only where the spec allows it: pods that keep an older data
     * plane, which refuses the key, read all other configs.
     */
    debug: z.strictObject({ payload: z.enum(["Never", "Allowed"]) }).optional(),
  }),
  /** Absent: each data plane counts for itself. */
  store: store.optional(),
  /** Complete: nothing left to default or to look up. */
  policies: policySettings,
  /** In order of precedence as users wrote them; the router sorts by specificity. */
  routes: z.array(route).max(4096),
});

/** What is said of a config that does not keep `settingsAreIndexed`. */
export const INDEX_UNKNOWN = "a route has settings that are not there";

const KINDS = Object.keys(policyTable) as PolicyKind[];

/**
 * The one rule over the whole of a config: each route's settings stand in its list of them. It looks at no policy that it
 * does not know, which is a mistake of its own.
 */
export function settingsAreIndexed({ policies, routes }: IndexedSettings): boolean {
  return routes.every((one) =>
    KINDS.every((kind) => one.policies[kind] === undefined || one.policies[kind] < (policies[kind]?.length ?? 0)),
  );
}

interface IndexedSettings {
  readonly policies: Readonly<Partial<Record<PolicyKind, readonly unknown[] | undefined>>>;
  readonly routes: readonly { readonly policies: Readonly<Partial<Record<PolicyKind, number | undefined>>> }[];
}

export const config = shape.refine(settingsAreIndexed, { path: ["routes"], message: INDEX_UNKNOWN });

const named = z.object({ proxy: shape.shape.proxy });

/** `<namespace>/<name>` of the proxy that a config is for, whatever else is wrong with it; "": it does not say. */
export function proxyNameIn(raw: unknown): string {
  const { data } = named.safeParse(raw);
  return data === undefined ? "" : `${data.proxy.namespace}/${data.proxy.name}`;
}

/** The part of a config that `settingsAreIndexed` looks at. */
export const indexedSettings = z.object({
  policies: z.record(z.string(), z.array(z.unknown())),
  routes: z.array(z.object({ policies: policyIndexes.strip() })),
});

/**
 * Address of an endpoint in the pod of the data plane itself, which dials 127.0.0.1, and ::1 where that is refused: a
 * process that listens on "localhost" may have either.
 */
export const THIS_POD = "localhost";

const endpoint = z.strictObject({
  /** An address, a name for a Service with externalName, or THIS_POD. */
  address: z.string().min(1).max(253),
  port,
  /** Draining: terminating but still serving; only used where nothing is Ready. */
  state: z.enum(["Ready", "Draining"]),
});

/** Where the backends are: beside the config, so that a rollout of a backend does not rewrite the rest. */
export const endpoints = z.strictObject({
  version: z.literal(1),
  backends: z.record(z.string().min(1).max(320), z.array(endpoint).max(10_000)),
});

export type Config = z.output<typeof config>;
/** A route with its settings instead of their indexes: see `routesOf` in `route-settings.ts`. */
export type RouteConfig = Omit<Config["routes"][number], "policies"> & { readonly policies: RenderedPolicies };
export type StoreConfig = NonNullable<Config["store"]>;
export type BackendConfig = RouteConfig["backends"][number];
export type Endpoints = z.output<typeof endpoints>;
export type Endpoint = Endpoints["backends"][string][number];
