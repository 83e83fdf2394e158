import { policies, renderedPolicies, type PolicyKind } from "../../api/policies/index.ts";
import {
  config as configSchema,
  type Config,
  type Endpoints,
  type RouteConfig,
  type StoreConfig,
} from "../../api/config.ts";
import { withSettings } from "../../api/route-settings.ts";

type Loose = Record<string, unknown>;

/** Parts of a rendered route; absent parts get their real defaults. */
export interface RouteParts {
  readonly name?: string;
  readonly hostnames?: readonly string[];
  readonly path?: { readonly type: "Prefix" | "Exact"; readonly value: string };
  readonly rewrite?: { readonly path?: string; readonly hostname?: string };
  readonly backends?: readonly Loose[];
  readonly loadBalancing?: "LeastConnections" | "RoundRobin" | "Random";
  /** Rendered policies; one that is absent gets its default. Without `authentication` the route is open. */
  readonly policies?: Loose;
  readonly ownPolicies?: readonly string[];
}

export interface ConfigParts {
  readonly name?: string;
  readonly generation?: number;
  readonly port?: number;
  readonly tls?: { readonly keyPair?: { readonly certificate: string; readonly privateKey: string } };
  readonly trustedProxies?: readonly string[];
  readonly maxConnections?: number;
  readonly drainPeriod?: string;
  readonly access?: "All" | "Refused" | "None";
  readonly payload?: "Never" | "Allowed";
  readonly store?: Partial<StoreConfig> & Pick<StoreConfig, "address">;
  readonly routes?: readonly RouteParts[];
}

/** Complete rendered policies; those that are not given get their defaults. */
export function policiesOf(given: Loose = {}): Loose {
  const complete: Loose = { authentication: { require: "None" } };
  for (const [kind, policy] of Object.entries(policies)) {
    if (policy.absent !== undefined) complete[kind] = policy.absent;
  }
  return renderedPolicies.parse({ ...complete, ...given });
}

/** A rendered config; each route goes to the backend `echo:80` unless it says otherwise. */
export function configOf(parts: ConfigParts = {}): Config {
  const routes = (parts.routes ?? [{}]).map((route, index) => ({
    name: route.name ?? (index === 0 ? "main" : `route-${index}`),
    hostnames: route.hostnames ?? [],
    path: route.path ?? { type: "Prefix", value: "/" },
    ...(route.rewrite === undefined ? {} : { rewrite: route.rewrite }),
    backends: route.backends ?? [{ endpoints: "echo:80", weight: 1 }],
    loadBalancing: route.loadBalancing ?? "LeastConnections",
    policies: policiesOf(route.policies),
    ownPolicies: route.ownPolicies ?? (Object.keys(route.policies ?? {}) as PolicyKind[]),
  }));
  return configSchema.parse({
    version: 1,
    proxy: { namespace: "test", name: parts.name ?? "proxy", generation: parts.generation ?? 1 },
    listener: {
      port: parts.port ?? 8080,
      ...(parts.tls === undefined ? {} : { tls: parts.tls }),
      trustedProxies: parts.trustedProxies ?? [],
    },
    ...(parts.store === undefined ? {} : { store: { whenUnavailable: "PerPod", resolved: true, ...parts.store } }),
    dataplane: {
      maxConnections: parts.maxConnections ?? 10_000,
      drain: { period: parts.drainPeriod ?? "100ms" },
      log: { level: "info", access: parts.access ?? "All" },
      ...(parts.payload === undefined ? {} : { debug: { payload: parts.payload } }),
    },
    ...withSettings(routes as unknown as RouteConfig[]),
  });
}

/** Endpoints on 127.0.0.1: of `echo:80`, or of the backends that are named. */
export function endpointsOf(ports: readonly number[] | Readonly<Record<string, readonly number[]>>): Endpoints {
  const backends = Array.isArray(ports)
    ? { "echo:80": ports as readonly number[] }
    : (ports as Record<string, number[]>);
  return {
    version: 1,
    backends: Object.fromEntries(
      Object.entries(backends).map(([key, list]) => [
        key,
        list.map((port) => ({ address: "127.0.0.1", port, state: "Ready" as const })),
      ]),
    ),
  };
}
