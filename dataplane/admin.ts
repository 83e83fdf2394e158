import type { AdminHandlers, AdminAnswer } from "../runtime/admin-server.ts";
import type { Gateway } from "./gateway.ts";
import type { Metrics } from "./metrics.ts";

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
      body: await metrics.registry.metrics(),
    }),
    "/config": () =>
      json(
        gateway.proxies.map(({ name, snapshot, endpointsHash }) => ({
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
        })),
      ),
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
