import type { AdminHandlers, AdminAnswer } from "../runtime/admin-server.ts";
import { systemClock } from "../runtime/clock.ts";
import { Slices } from "../runtime/slices.ts";
import { SlicedMetrics } from "./exposition.ts";
import type { Gateway, Rejection } from "./gateway.ts";
import type { Metrics } from "./metrics.ts";

const MOST_PROBLEMS = 20;

const json = (body: unknown, status = 200): AdminAnswer => ({
  status,
  contentType: "application/json; charset=utf-8",
  body: `${JSON.stringify(body)}\n`,
});

/** The data plane's answers on the admin port. None holds a secret. */
export function adminHandlers(gateway: Gateway, metrics: Metrics): AdminHandlers {
  return {
    "/healthz": () => json({ status: "ok" }),
    "/readyz": () => (gateway.ready ? json({ status: "ready" }) : json({ status: "not ready" }, 503)),
    "/metrics": async () => ({
      status: 200,
      contentType: metrics.registry.contentType,
      body: await new SlicedMetrics(metrics.registry, new Slices(systemClock)).text(),
    }),
    "/config": () => json(configs(gateway)),
    "/sessions": () =>
      json(
        gateway.proxies.flatMap((proxy) =>
          [...proxy.sessions].map((session) => ({
            id: session.id,
            proxy: proxy.name,
            route: session.route,
            client: session.identity.client,
            address: session.address,
            since: new Date(session.since).toISOString(),
            messages: { fromClient: session.fromClient.messages, fromBackend: session.fromBackend.messages },
            bytes: { fromClient: session.fromClient.bytes, fromBackend: session.fromBackend.bytes },
            subprotocol: session.protocol,
          })),
        ),
      ),
  };
}

/** Of each proxy what it serves, and why it does not serve what came last. */
function configs({ proxies, rejections }: Gateway): object[] {
  const served = new Map(proxies.map((proxy) => [proxy.name, proxy]));
  return [...new Set([...served.keys(), ...rejections.keys()])].map((name) => {
    const { snapshot, endpointsHash } = served.get(name) ?? {};
    return {
      proxy: name,
      hash: snapshot?.hash,
      endpointsHash,
      generation: snapshot?.config.proxy.generation,
      routes: snapshot?.config.routes.map((route) => ({
        name: route.name,
        hostnames: route.hostnames,
        path: route.path,
        backends: route.backends.map(({ endpoints, weight }) => ({ endpoints, weight })),
        policies: Object.keys(route.policies),
      })),
      rejected: rejected(rejections.get(name)),
    };
  });
}

/** Bounded: a config may have as many mistakes as it has fields. */
function rejected(rejection: (Rejection & { readonly hash: string }) | undefined): object | undefined {
  return rejection && { ...rejection, problems: rejection.problems.slice(0, MOST_PROBLEMS) };
}
