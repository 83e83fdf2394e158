import { parseDuration } from "../../api/quantities.ts";
import { recallBuckets } from "../limits/buckets.ts";
import { once } from "../compile-once.ts";
import type { Handshake } from "../opening-handshake.ts";
import { clientSubject } from "../identity.ts";
import type { Refusal } from "../rejection.ts";
import type { PolicyCompiler } from "../policy.ts";

/**
 * Counts handshakes per time. An address is counted before any credential is verified, so that guessing costs. Client,
 * route and proxy are counted once the client is known: else strangers could use up what honest clients share. The limits
 * of one step are judged together, and a handshake that one of them refuses takes a token of none.
 */
export const attempts: PolicyCompiler<"attempts"> = (settings, context) => {
  const { clock, log, metrics, route, shadow } = context;
  const shapes = once(context.memory, "attempts", settings, () =>
    settings.map(({ per, limit, interval, burst }) => ({ per, limit, interval: parseDuration(interval), burst })),
  );
  const limits = shapes.map((shape) => {
    const { per } = shape;
    const scope = per === "Route" ? route.name : context.scope("attempts");
    const buckets = recallBuckets(`attempts ${per} ${scope}`, per, shape, context);
    return { per, buckets, hit: metrics.limitHit("attempts", per, "Refuse", shadow) };
  });
  const anonymous = limits.filter(({ per }) => per === "IP");
  const identified = limits.filter(({ per }) => per !== "IP");

  const count = (some: typeof limits, handshake: Handshake, subject: (per: string) => string): Refusal | undefined => {
    const now = clock.now();
    const found = some.map((limit) => ({ ...limit, bucket: limit.buckets.of(subject(limit.per), now) }));
    const exceeded = found.filter(({ bucket }) => bucket.available(now) < 1);
    for (const { hit } of exceeded) hit();
    const [first] = exceeded;
    if (first !== undefined && shadow) {
      const { requestId } = handshake;
      const limit = { policy: "attempts", per: first.per, action: "Refuse", shadow };
      log.info({ requestId, route: route.name, ...limit }, "limit exceeded");
    }
    if (first !== undefined && !shadow) {
      const retryAfter = Math.max(1, Math.ceil(Math.max(...exceeded.map(({ bucket }) => bucket.wait(1, now))) / 1000));
      return { reason: "AttemptLimit", retryAfter, shared: first.per === "Route" || first.per === "Proxy" };
    }
    for (const { bucket } of found) bucket.take(1, now);
    return undefined;
  };

  return {
    screen: (handshake) => count(anonymous, handshake, () => handshake.addressSubject),
    admit: (handshake, { client }) =>
      count(identified, handshake, (per) => (per === "Client" ? clientSubject(client, handshake.addressSubject) : "")),
  };
};
