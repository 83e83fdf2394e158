import type { RenderedPolicies } from "../../api/policies/index.ts";
import { parseDuration, parseSize } from "../../api/quantities.ts";
import { recallBuckets } from "../limits/buckets.ts";
import { once } from "../compile-once.ts";
import { clientSubject } from "../identity.ts";
import { TokenBucket, type BucketShape } from "../limits/token-bucket.ts";
import type { FlowLimit } from "../tunnel/plan.ts";
import type { CompileContext, Party } from "../policy.ts";

type Kind = "messages" | "bytes";
type Settings =
  | NonNullable<RenderedPolicies["messages"]>["fromClient"]
  | NonNullable<RenderedPolicies["bytes"]>["fromClient"];

/**
 * Limits on messages or bytes as they hold for one session: which bucket it takes from. One of its own per Connection,
 * else one that it shares with all sessions of the same subject.
 */
export function sessionLimits(
  kind: Kind,
  direction: "fromClient" | "fromBackend",
  settings: Settings,
  context: CompileContext,
): (party: Party) => FlowLimit[] {
  const { clock, log, metrics, route, shadow } = context;
  const shapes = once(context.memory, `${kind} ${direction}`, settings, () => settings.map(shapeOf));
  const limits = shapes.map(({ per, onExceed, shape }) => {
    // A session's own bucket and the route's are the same one wherever the policy stands.
    const scope = per === "Connection" || per === "Route" ? route.name : context.scope(kind);
    const key = `${kind} ${direction} ${per} ${scope}`;
    const shared = per === "Connection" ? undefined : recallBuckets(key, per, shape, context);
    return { per, onExceed, shape, key, shared, count: metrics.limitHit(kind, per, onExceed, shadow) };
  });
  return (party) =>
    limits.map(({ per, onExceed, shape, key, shared, count }) => {
      const now = clock.now();
      const bucket =
        shared?.of(subjectOf(per, party), now) ?? party.memory.recall(key, () => new TokenBucket(shape, now));
      if (shared === undefined) bucket.reshape(shape, now);
      // One line for a session, however often it exceeds and however often the config changes; none for a message.
      const told = party.memory.recall(`told ${key}`, () => ({ already: false }));
      const { requestId } = party;
      const hit = (): void => {
        count();
        if (told.already) return;
        told.already = true;
        const limit = { policy: kind, direction, per, action: onExceed, shadow };
        log.info({ requestId, route: route.name, ...limit }, "limit exceeded");
      };
      return { bucket, onExceed, shadow, hit };
    });
}

interface LimitShape extends Pick<Settings[number], "per" | "onExceed"> {
  readonly shape: BucketShape;
}

function shapeOf({ per, onExceed, limit, interval, burst }: Settings[number]): LimitShape {
  return {
    per,
    onExceed,
    shape: { limit: parseSize(limit), interval: parseDuration(interval), burst: parseSize(burst) },
  };
}

function subjectOf(per: string, party: Party): string {
  if (per === "Client") return clientSubject(party.identity.client, party.addressSubject);
  return per === "IP" ? party.addressSubject : "";
}
