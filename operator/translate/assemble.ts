import type { Config, Endpoints } from "../../api/config.ts";
import type { WebSocketProxySpec } from "../../api/websocket-proxy.ts";
import { endpointsOf } from "./routes/endpoints.ts";
import type { Lookup } from "./references/lookup.ts";
import type { ReadProxy } from "./read-proxy.ts";

/** The rendered config of an accepted proxy; `header` is its spec without the routes. */
export function configOf(
  { namespace, name, generation }: ReadProxy,
  header: WebSocketProxySpec,
  listener: Config["listener"],
  store: Config["store"],
  routes: Pick<Config, "policies" | "routes">,
): Config {
  const { maxConnections, drain, log, debug } = header.dataplane;
  const watched = debug.payload === "Never" ? {} : { debug };
  return {
    version: 1,
    proxy: { namespace, name, generation },
    listener,
    dataplane: { maxConnections, drain, log, ...watched },
    ...(store === undefined ? {} : { store }),
    ...routes,
  };
}

/** The endpoints of every backend that a config names, sorted; empty without a config. */
export function endpointsFile(config: Config | undefined, lookup: Lookup): Endpoints {
  const keys = new Set((config?.routes ?? []).flatMap((route) => route.backends.map((it) => it.endpoints)));
  const backends = [...keys].sort().map((key) => [key, [...(endpointsOf(key, "", lookup).value ?? [])]]);
  return { version: 1, backends: Object.fromEntries(backends) };
}
