import { createHash } from "node:crypto";
import type { Config, RouteConfig } from "../../api/config.ts";
import { withSettings } from "../../api/route-settings.ts";
import { configOf, policiesOf, type ConfigParts } from "./config.ts";

/** How large a config is. */
export interface Scale {
  readonly routes: number;
  /** Addresses of the deny list. */
  readonly addresses: number;
  readonly keys: number;
  /** Each route has every limit of its own instead of the proxy's. */
  readonly own?: boolean;
}

/** The largest config that must work for one proxy. */
export const LARGEST: Scale = { routes: 1000, addresses: 10_000, keys: 10_000 };

/** The n-th address of the deny list. */
export const deniedAddress = (n: number): string => `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;

/** The key of the n-th client, and the client id. */
export const largeKey = (n: number): string => `key-${n}-0123456789abcdef`;
export const largeClient = (n: number): string => `client-${n}`;

const PER = ["Client", "IP", "Route", "Proxy"];

/** Settings of every limit, for each subject. */
function everyLimit(limit: number): object {
  const flow = (most: number): object[] =>
    ["Connection", ...PER].map((per) => ({ per, limit: most, interval: "1s", burst: most, onExceed: "Delay" }));
  return {
    attempts: PER.map((per) => ({ per, limit, interval: "1s", burst: limit })),
    connections: PER.map((per) => ({ per, limit: 100_000 })),
    messages: { fromClient: flow(limit), fromBackend: flow(limit) },
    bytes: { fromClient: flow(limit), fromBackend: flow(limit) },
  };
}

/** Settings of every policy, with each limit for each subject. */
export function everyPolicy({ addresses, keys }: Pick<Scale, "addresses" | "keys">): object {
  return policiesOf({
    deny: {
      clients: ["mallory"],
      tokenIds: ["stolen"],
      addresses: Array.from({ length: addresses }, (_, n) => deniedAddress(n)),
    },
    origins: { allow: ["https://app.test", "https://*.app.test"], allowMissing: true, sameOrigin: false },
    authentication: {
      require: "Any",
      apiKey: {
        from: [{ header: "x-api-key" }],
        keys: Array.from({ length: keys }, (_, n) => ({
          client: largeClient(n),
          digest: createHash("sha256").update(largeKey(n)).digest("base64url"),
          disabled: false,
        })),
      },
      jwt: [
        {
          issuer: "https://idp.test/",
          audiences: ["chat"],
          jwks: { uri: "https://idp.test/keys", allowHttp: false },
          algorithms: ["RS256"],
          from: [{ header: "authorization" }],
          clientClaim: "sub",
          requiredScopes: [],
          requiredClaims: [],
          clockSkew: "5s",
        },
      ],
    },
    ...everyLimit(1_000_000),
  });
}

/** A rendered config of this size; each route has every policy, and answers to its own host, `route-0.test` and so on. */
export function largeConfig(scale: Scale, parts: ConfigParts = {}): Config {
  const settings = everyPolicy(scale);
  const limits = ["attempts", "connections", "messages", "bytes"];
  const ofRoute = (n: number): object => {
    if (scale.own !== true) return settings;
    // Settings that differ, so that no two routes share them.
    return { ...settings, ...everyLimit(1_000_000 + n) };
  };
  const routes = Array.from({ length: scale.routes }, (_, n) => ({
    name: `route-${n}`,
    hostnames: [`route-${n}.test`],
    path: { type: "Prefix" as const, value: "/" },
    backends: [{ endpoints: "echo:80", weight: 1 }],
    loadBalancing: "LeastConnections" as const,
    policies: ofRoute(n),
    ownPolicies: scale.own === true ? limits : [],
  }));
  return { ...configOf(parts), ...withSettings(routes as unknown as RouteConfig[]) };
}
