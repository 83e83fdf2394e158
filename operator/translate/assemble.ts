import type { Config, Endpoints } from "../../api/config.ts";
import { gateway } from "../../api/pods.ts";
import type { WebSocketProxySpec } from "../../api/websocket-proxy.ts";
import { endpointsOf } from "./routes/endpoints.ts";
import { listenerPort } from "./routes/judge-routes.ts";
import type { Lookup } from "./references/lookup.ts";
import type { ReadProxy } from "./read-proxy.ts";
import type { Infra } from "./translation.ts";

/** The rendered config of an accepted proxy; `header` is its spec without the routes. */
export function configOf(
  { namespace, name, generation }: ReadProxy,
  header: WebSocketProxySpec,
  tls: NonNullable<Config["listener"]["tls"]>,
  routes: Pick<Config, "policies" | "routes">,
): Config {
  const { maxConnections, drain, log } = header.dataplane;
  return {
    version: 1,
    proxy: { namespace, name, generation },
    listener: {
      port: listenerPort(header),
      ...(header.listener.tls === undefined ? {} : { tls }),
      trustedProxies: header.listener.trustedProxies,
    },
    dataplane: { maxConnections, drain, log },
    ...routes,
  };
}

/** The endpoints of every backend that a config names, sorted; empty without a config. */
export function endpointsFile(config: Config | undefined, lookup: Lookup): Endpoints {
  const keys = new Set((config?.routes ?? []).flatMap((route) => route.backends.map((it) => it.endpoints)));
  const backends = [...keys].sort().map((key) => [key, [...(endpointsOf(key, "", lookup).value ?? [])]]);
  return { version: 1, backends: Object.fromEntries(backends) };
}

/** What the operator renders the proxy's own objects from. */
export function infraOf(header: WebSocketProxySpec): Infra {
  const inGateway = header.mode === "Gateway" ? (header.gateway ?? gateway.parse({})) : undefined;
  return {
    mode: header.mode,
    gateway: inGateway,
    sidecar: header.sidecar,
    resources: header.dataplane.resources,
    listenerPort: listenerPort(header),
    servicePort: inGateway && (inGateway.service.port ?? (header.listener.tls === undefined ? 80 : 443)),
    drainPeriod: header.dataplane.drain.period,
  };
}
