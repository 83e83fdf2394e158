import { occupancyKey } from "../limits/occupancy.ts";
import type { PolicyCompiler } from "../policy.ts";

/** How long a client is told to wait when too many sessions are open: nobody knows when one ends. */
const RETRY_AFTER = 5;

/** Bounds the sessions that are open at the same time; what is counted, and when it ends, is `occupancy.ts`. */
export const connections: PolicyCompiler<"connections"> = (settings, context) => {
  const { log, occupancy, route, metrics, shadow } = context;
  const own = context.scope("connections") !== "proxy";
  const limits = settings.map(({ per, limit }) => ({
    per,
    limit,
    hit: metrics.limitHit("connections", per, "Refuse", shadow),
  }));
  return {
    admit(handshake, identity) {
      for (const { per, limit, hit } of limits) {
        if (occupancy.of(occupancyKey(per, own ? route.name : undefined, route.name, identity, handshake)) < limit)
          continue;
        hit();
        if (shadow) {
          const { requestId } = handshake;
          const exceeded = { policy: "connections", per, action: "Refuse", shadow };
          log.info({ requestId, route: route.name, ...exceeded }, "limit exceeded");
          continue;
        }
        return { reason: "ConnectionLimit", retryAfter: RETRY_AFTER, shared: per === "Route" || per === "Proxy" };
      }
      return undefined;
    },
  };
};
