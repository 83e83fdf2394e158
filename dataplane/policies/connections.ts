import { exceedOf } from "../limits/exceeded.ts";
import { occupancyKey } from "../limits/occupancy.ts";
import { isShared } from "../limits/subject.ts";
import type { Handshake } from "../opening-handshake.ts";
import type { Identity } from "../identity.ts";
import type { Refusal } from "../rejection.ts";
import type { PolicyCompiler } from "../policy.ts";

/** Seconds that a client is told to wait when too many sessions are open: it is not known when one ends. */
const RETRY_AFTER = 5;

/**
 * Bounds the sessions that are open at the same time; `occupancy.ts` counts them. Where all pods count together, what this
 * process holds is refused first, since the sum is no less; the store decides about the rest.
 */
export const connections: PolicyCompiler<"connections"> = (settings, context) => {
  const { occupancy, route, shared, shadow } = context;
  const own = context.scope("connections") !== "proxy";
  const limits = settings.map(({ per, limit }) => ({
    per,
    limit,
    exceed: exceedOf({ policy: "connections", per, action: "Refuse" }, context, "Shadow"),
  }));
  type Limit = (typeof limits)[number];

  const keyOf = ({ per }: Limit, handshake: Handshake, identity: Identity): string =>
    occupancyKey(per, own ? route.name : undefined, route.name, identity, handshake);
  const refusalOf = ({ per }: Limit): Refusal => ({
    reason: "ConnectionLimit",
    retryAfter: RETRY_AFTER,
    shared: isShared(per),
  });
  /** Counts a hit; true: the limit acts. */
  const exceeds = (limit: Limit, handshake: Handshake): boolean => {
    const acts = limit.exceed(handshake, { logged: false });
    if (!acts) handshake.shadowed?.("connections", "ConnectionLimit");
    return acts;
  };
  const admit = (handshake: Handshake, identity: Identity): Refusal | undefined => {
    for (const limit of limits) {
      if (occupancy.of(keyOf(limit, handshake, identity)) < limit.limit) continue;
      if (exceeds(limit, handshake)) return refusalOf(limit);
    }
    return undefined;
  };
  if (shared === undefined || limits.length === 0) return { kind: "connections", admit };

  return {
    kind: "connections",
    // In Shadow nothing is refused, and the store alone knows what is exceeded.
    ...(shadow ? {} : { admit }),
    admitShared(handshake, identity) {
      const places = limits.map((limit) => ({ key: keyOf(limit, handshake, identity), limit: limit.limit }));
      const here = places.map(({ key, limit }) => occupancy.of(key) >= limit);
      const exceed = (some: readonly Limit[]): Refusal | undefined => {
        const first = some.filter((limit) => exceeds(limit, handshake))[0];
        return first && refusalOf(first);
      };
      const at = (lines: readonly number[]): Limit[] => limits.filter((_, line) => lines.includes(line));
      return {
        ...{ buckets: [], places, shadow },
        taken: (exceeded) => void exceed(at(exceeded)),
        refused: (line) => exceed(at([line])) ?? refusalOf(limits[line] as Limit),
        alone: () => exceed(limits.filter((_, line) => here[line])),
      };
    },
  };
};
