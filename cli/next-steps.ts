import type { Config, RouteConfig } from "../api/config.ts";
import { routesOf } from "../api/route-settings.ts";
import { tools } from "../operator/tools.ts";
import { hostPort } from "../runtime/host-port.ts";
import type { Manifest } from "./manifests/decode-file.ts";

/** Where the first route of a gateway can be reached. */
export function routeUrl(config: Config, address: string): string {
  const { listener } = config;
  const { path } = firstRoute(config) ?? { path: { value: "/" } };
  const host = ["0.0.0.0", "::"].includes(address) ? "127.0.0.1" : address;
  return `${listener.tls === undefined ? "ws" : "wss"}://${hostPort(host, listener.port)}${path.value}`;
}

/** What somebody who sees the gateway for the first time may type next. */
export function nextSteps(config: Config, manifests: readonly Manifest[], url: string, backendPort: number): string {
  const page = `http://127.0.0.1:${backendPort}/`;
  const example = exampleKey(config, manifests);
  const key = example === undefined ? "" : ` --key ${example.key}`;
  const proxy = manifests.find(({ id }) => id === `WebSocketProxy ${config.proxy.namespace}/${config.proxy.name}`);
  const edits = [
    example === undefined ? [] : [`in ${example.file} remove ${example.client}: that session ends with 3000`],
    proxy === undefined ? [] : [`in ${proxy.place.file} change a limit: it holds for open sessions, and ends none`],
  ].flat();
  return `sample backend  ${page}

next steps:
  open ${page} in a browser, or type in another terminal
    bin/wsproxy connect ${url}${key}
  stay connected and edit the manifests; a change is in force within a second:
${edits.map((edit) => `    ${edit}\n`).join("")}  Ctrl-C ends everything
`;
}

function firstRoute(config: Config): RouteConfig | undefined {
  const routes = routesOf(config);
  return routes.find(({ hostnames }) => hostnames.length === 0) ?? routes[0];
}

/** A key that the first route takes and that says itself that it is an example; no other is ever shown. */
function exampleKey(
  config: Config,
  manifests: readonly Manifest[],
): { readonly key: string; readonly client: string; readonly file: string } | undefined {
  const taken = firstRoute(config)?.policies.authentication?.apiKey?.keys ?? [];
  for (const { object, place } of manifests) {
    if (object.kind !== "Secret") continue;
    for (const [client, value] of Object.entries(object.object.data)) {
      const key = value.trim();
      if (!/^example-[A-Za-z0-9-]+$/.test(key)) continue;
      if (taken.some(({ digest }) => digest === tools.sha256(key))) return { key, client, file: place.file };
    }
  }
  return undefined;
}
