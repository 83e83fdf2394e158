import type { Config, RouteConfig } from "../../api/config.ts";
import { routesOf } from "../../api/route-settings.ts";
import { hostPort } from "../../runtime/host-port.ts";
import type { ExampleKey, Hints } from "../reading/reading.ts";

/** URL of the first route of a gateway that listens on this address. */
export function routeUrl(config: Config, address: string): string {
  const { listener } = config;
  const { path } = firstRoute(config) ?? { path: { value: "/" } };
  const host = ["0.0.0.0", "::"].includes(address) ? "127.0.0.1" : address;
  return `${listener.tls === undefined ? "ws" : "wss"}://${hostPort(host, listener.port)}${path.value}`;
}

/** What a new user can try next, as text for the terminal. `backendPort` is that of the sample backend. */
export function nextSteps(config: Config, hints: Hints, url: string, backendPort: number): string {
  const page = `http://127.0.0.1:${backendPort}/`;
  const example = exampleKey(config, hints);
  const file = hints.files.get(`${config.proxy.namespace}/${config.proxy.name}`);
  const edits = [
    example === undefined ? [] : [`in ${example.file} remove ${example.client}: that session ends with 3000`],
    file === undefined ? [] : [`in ${file} change a limit: it holds for open sessions, and ends none`],
  ].flat();
  return `sample backend  ${page}

next steps:
  open ${page} in a browser, or type in another terminal
    bin/wsproxy connect ${connection(config, url, example?.key)}
  stay connected and edit the manifests; a change is in force within about a second:
${edits.map((edit) => `    ${edit}\n`).join("")}  Ctrl-C ends everything
`;
}

function firstRoute(config: Config): RouteConfig | undefined {
  const routes = routesOf(config);
  return routes.find(({ hostnames }) => hostnames.length === 0) ?? routes[0];
}

/** Arguments of `wsproxy connect`, with the key in a place where the first route looks for it. */
function connection(config: Config, url: string, key: string | undefined): string {
  const places = firstRoute(config)?.policies.authentication?.apiKey?.from ?? [];
  if (key === undefined) return url;
  const headers = places.flatMap(({ header }) => header?.toLowerCase() ?? []);
  if (headers.includes("x-api-key")) return `${url} --key ${key}`;
  const query = places.find((place) => place.query !== undefined)?.query;
  if (query !== undefined) return `'${url}?${query}=${encodeURIComponent(key)}'`;
  const [header] = headers;
  if (header === undefined) return url;
  return `${url} --header '${header}: ${header === "authorization" ? "Bearer " : ""}${key}'`;
}

/** An example key that the first route accepts. */
function exampleKey(config: Config, { examples }: Hints): ExampleKey | undefined {
  const taken = new Set(firstRoute(config)?.policies.authentication?.apiKey?.keys.map(({ digest }) => digest));
  return examples.find(({ digest }) => taken.has(digest));
}
