import { parseDuration } from "../../api/quantities.ts";
import { Buckets } from "../buckets.ts";
import type { Handshake } from "../handshake.ts";
import { clientSubject } from "../identity.ts";
import type { Refusal } from "../rejection.ts";
import type { Policy } from "./policy.ts";

/**
 * Counts handshakes per time. Address, route and proxy are counted before any credential is verified, so that guessing
 * costs; a client can be counted only once it is known. A handshake that is refused here takes no token.
 */
export const attempts: Policy<"attempts"> = (settings, context) => {
  const { clock, log, memory, metrics, route } = context;
  const shadow = context.policies.enforcement === "Shadow";
  const limits = settings.map(({ per, limit, interval, burst }) => {
    const shape = { limit, interval: parseDuration(interval), burst };
    const scope = per === "Route" ? route.name : context.scope("attempts");
    const buckets = memory.recall(`attempts ${per} ${scope}`, () => new Buckets(shape));
    memory.onCommit(() => buckets.reshape(shape, clock.now()));
    return { per, buckets, hit: metrics.limitHit("attempts", per, "Refuse", shadow) };
  });
  const anonymous = limits.filter(({ per }) => per !== "Client");
  const identified = limits.filter(({ per }) => per === "Client");

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
    screen: (handshake) => count(anonymous, handshake, (per) => (per === "IP" ? handshake.addressSubject : "")),
    admit: (handshake, { client }) =>
      count(identified, handshake, () => clientSubject(client, handshake.addressSubject)),
  };
};
