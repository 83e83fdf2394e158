import { exceedOf } from "../limits/exceeded.ts";
import { occupancyKey } from "../limits/occupancy.ts";
import { isShared } from "../limits/subject.ts";
import type { PolicyCompiler } from "../policy.ts";

/** Seconds that a client is told to wait when too many sessions are open: it is not known when one ends. */
const RETRY_AFTER = 5;

/** Bounds the sessions that are open at the same time; `occupancy.ts` counts them. */
export const connections: PolicyCompiler<"connections"> = (settings, context) => {
  const { occupancy, route } = context;
  const own = context.scope("connections") !== "proxy";
  const limits = settings.map(({ per, limit }) => ({
    per,
    limit,
    exceed: exceedOf({ policy: "connections", per, action: "Refuse" }, context, "Shadow"),
  }));
  return {
    kind: "connections",
    admit(handshake, identity) {
      for (const { per, limit, exceed } of limits) {
        const key = occupancyKey(per, own ? route.name : undefined, route.name, identity, handshake);
        if (occupancy.of(key) < limit || !exceed(handshake.requestId, { logged: false })) continue;
        return { reason: "ConnectionLimit", retryAfter: RETRY_AFTER, shared: isShared(per) };
      }
      return undefined;
    },
  };
};
