import { parseDuration } from "../../api/quantities.ts";
import { once } from "../compile-once.ts";
import type { Handshake } from "../opening-handshake.ts";
import { recallBuckets } from "../limits/buckets.ts";
import { exceedOf, type HitGroup } from "../limits/exceeded.ts";
import { isShared, subjectOf } from "../limits/subject.ts";
import type { Refusal } from "../rejection.ts";
import type { PolicyCompiler } from "../policy.ts";

/**
 * Counts handshakes per time. An address is counted before any credential is verified, so that guessing costs. Client,
 * route and proxy are counted once the client is known: else strangers could use up what honest clients share. The limits
 * of one step are judged together, and a handshake that one of them refuses takes a token of none.
 */
export const attempts: PolicyCompiler<"attempts"> = (settings, context) => {
  const { clock, route } = context;
  const shapes = once(context.memory, "attempts", settings, () =>
    settings.map(({ per, limit, interval, burst }) => ({ per, limit, interval: parseDuration(interval), burst })),
  );
  const limits = shapes.map((shape) => {
    const { per } = shape;
    const scope = per === "Route" ? route.name : context.scope("attempts");
    const buckets = recallBuckets(`attempts ${per} ${scope}`, per, shape, context);
    const exceed = exceedOf({ policy: "attempts", per, action: "Refuse" }, context, "Shadow");
    return { per, buckets, exceed };
  });
  const anonymous = limits.filter(({ per }) => per === "IP");
  const identified = limits.filter(({ per }) => per !== "IP");

  const count = (
    some: typeof limits,
    { requestId, addressSubject }: Handshake,
    client?: string,
  ): Refusal | undefined => {
    const now = clock.now();
    const asked = some.map((limit) => ({
      ...limit,
      bucket: limit.buckets.of(subjectOf(limit.per, client, addressSubject), now),
    }));
    const group: HitGroup = { logged: false };
    const exceeded = asked.filter(({ bucket }) => bucket.available(now) < 1);
    const acting = exceeded.filter(({ exceed }) => exceed(requestId, group));
    const [first] = acting;
    if (first !== undefined) {
      const retryAfter = Math.max(1, Math.ceil(Math.max(...acting.map(({ bucket }) => bucket.wait(1, now))) / 1000));
      return { reason: "AttemptLimit", retryAfter, shared: isShared(first.per) };
    }
    for (const { bucket } of asked) bucket.take(1, now);
    return undefined;
  };

  return {
    kind: "attempts",
    screen: (handshake) => count(anonymous, handshake),
    admit: (handshake, { client }) => count(identified, handshake, client),
  };
};
