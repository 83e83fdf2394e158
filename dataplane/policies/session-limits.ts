import type { RenderedOf } from "../../api/policies/index.ts";
import { parseDuration, parseSize } from "../../api/quantities.ts";
import { once } from "../compile-once.ts";
import { recallBuckets } from "../limits/buckets.ts";
import { exceedOf, type HitGroup } from "../limits/exceeded.ts";
import { subjectOf } from "../limits/subject.ts";
import { TokenBucket, type BucketShape } from "../limits/token-bucket.ts";
import type { FlowLimit } from "../tunnel/plan.ts";
import type { CompileContext, Party } from "../policy.ts";

type FlowPolicy = "messages" | "bytes";
type FlowLimitSettings = RenderedOf<FlowPolicy>["fromClient"];

/**
 * Limits on messages or bytes, as they hold for one session: which bucket the session takes from. Per Connection it is a
 * bucket of the session's own, else one that all sessions of the same subject share.
 */
export function sessionLimits(
  policy: FlowPolicy,
  direction: "fromClient" | "fromBackend",
  settings: FlowLimitSettings,
  context: CompileContext,
): (party: Party) => FlowLimit[] {
  const { clock, route, shadow } = context;
  const shapes = once(context.memory, `${policy} ${direction}`, settings, () => settings.map(shapeOf));
  const limits = shapes.map(({ per, onExceed, shape }) => {
    // A session's own bucket and the route's are the same one wherever the policy stands.
    const scope = per === "Connection" || per === "Route" ? route.name : context.scope(policy);
    const key = `${policy} ${direction} ${per} ${scope}`;
    const shared = per === "Connection" ? undefined : recallBuckets(key, per, shape, context);
    const exceed = exceedOf({ policy, direction, per, action: onExceed }, context, "Always");
    return { per, onExceed, shape, key, shared, exceed };
  });
  return (party) =>
    limits.map(({ per, onExceed, shape, key, shared, exceed }) => {
      const now = clock.now();
      const bucket =
        shared?.of(subjectOf(per, party.identity.client, party.addressSubject), now) ??
        party.memory.recall(key, () => new TokenBucket(shape, now));
      if (shared === undefined) bucket.reshape(shape, now);
      // One line for a session, however often it exceeds and however often the config changes; none for a message.
      const group = party.memory.recall(`hits ${key}`, (): HitGroup => ({ logged: false }));
      const { requestId } = party;
      return { bucket, onExceed, shadow, hit: () => void exceed(requestId, group) };
    });
}

interface LimitShape extends Pick<FlowLimitSettings[number], "per" | "onExceed"> {
  readonly shape: BucketShape;
}

function shapeOf({ per, onExceed, limit, interval, burst }: FlowLimitSettings[number]): LimitShape {
  return {
    per,
    onExceed,
    shape: { limit: parseSize(limit), interval: parseDuration(interval), burst: parseSize(burst) },
  };
}
