import * as api from "../api/config.ts";
import { problemsOf } from "../api/problem.ts";

/** A rendered config as it was read, not yet believed. */
export interface Update {
  readonly config: unknown;
  readonly endpoints: unknown;
  /** SHA-256 of the config's text, as whoever rendered it reports it. */
  readonly hash: string;
  /** SHA-256 of the endpoints' text. */
  readonly endpointsHash: string;
}

interface Believed {
  /** `<namespace>/<name>` */
  readonly id: string;
  readonly config: api.Config;
  readonly endpoints: api.Endpoints;
}

interface Unbelieved {
  /** As far as it can be told, else "". */
  readonly id: string;
  readonly problems: readonly string[];
}

/** Config and endpoints, where both are exactly what their schemas say; else what is wrong with them. */
export function readUpdate(update: Update): Believed | Unbelieved {
  const config = api.config.safeParse(update.config);
  const endpoints = api.endpoints.safeParse(update.endpoints);
  if (config.success && endpoints.success) {
    const { namespace, name } = config.data.proxy;
    return { id: `${namespace}/${name}`, config: config.data, endpoints: endpoints.data };
  }
  const problems = [
    ...(config.success ? [] : problemsOf(config.error, "config", "Invalid")),
    ...(endpoints.success ? [] : problemsOf(endpoints.error, "endpoints", "Invalid")),
  ];
  return { id: nameIn(update.config), problems: problems.map(({ at, message }) => `${at}: ${message}`) };
}

/** The name in a config that is not believed otherwise. */
function nameIn(config: unknown): string {
  const proxy = api.config.shape.proxy.safeParse((config as { proxy?: unknown } | null)?.proxy);
  return proxy.success ? `${proxy.data.namespace}/${proxy.data.name}` : "";
}
