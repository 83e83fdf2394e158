import type { RenderedOf } from "../../api/policies/index.ts";
import { parseDuration, parseSize } from "../../api/quantities.ts";
import { once } from "../compile-once.ts";
import { recallBuckets, recallShared, type Bucket, type Buckets } from "../limits/buckets.ts";
import { exceedOf, type HitGroup } from "../limits/exceeded.ts";
import { bucketName, subjectOf, type HandshakePer } from "../limits/subject.ts";
import { TokenBucket, type BucketShape } from "../limits/token-bucket.ts";
import type { Memory } from "../memory.ts";
import type { FlowLimit } from "../tunnel/plan.ts";
import type { CompileContext, Party } from "../policy.ts";

type FlowPolicy = "messages" | "bytes";
type FlowLimitSettings = RenderedOf<FlowPolicy>["fromClient"];

/**
 * Limits on messages or bytes, as they hold for one session: which bucket the session takes from. Per Connection it is a
 * bucket of the session's own, else one that all sessions of the same subject share: in this pod, or in all where there is
 * a store.
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
    const shared = per === "Connection" ? undefined : bucketsOf(per, scope, { policy, direction, key, shape }, context);
    const exceed = exceedOf({ policy, direction, per, action: onExceed }, context, "Always");
    return { per, onExceed, shape, key, shared, exceed };
  });
  return (party) =>
    limits.map(({ per, onExceed, shape, key, shared, exceed }) => {
      const now = clock.now();
      const bucket =
        shared?.of(subjectOf(per, party.identity.client, party.addressSubject), now) ??
        ownBucket(party.memory, key, shape, now);
      // One line for a session, however often it exceeds and however often the config changes; none for a message.
      const group = party.memory.recall(`hits ${key}`, (): HitGroup => ({ logged: false }));
      return { bucket, onExceed, shadow, hit: () => void exceed(party, group) };
    });
}

interface Counted {
  readonly policy: FlowPolicy;
  readonly direction: "fromClient" | "fromBackend";
  readonly key: string;
  readonly shape: BucketShape;
}

/** Buckets of this pod, or of all pods where they count together. */
function bucketsOf(per: HandshakePer, scope: string, counted: Counted, context: CompileContext): Buckets<Bucket> {
  const { policy, direction, key, shape } = counted;
  if (context.shared === undefined) return recallBuckets(key, per, shape, context);
  const nameOf = (subject: string): string => bucketName(policy, direction, per, scope, subject);
  return recallShared(key, per, shape, context, context.shared.pockets, nameOf);
}

/** The bucket of a session of its own. */
function ownBucket(memory: Memory, key: string, shape: BucketShape, now: number): TokenBucket {
  const bucket = memory.recall(key, () => new TokenBucket(shape, now));
  bucket.reshape(shape, now);
  return bucket;
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
