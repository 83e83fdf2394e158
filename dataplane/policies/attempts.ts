import { parseDuration } from "../../api/quantities.ts";
import { once } from "../compile-once.ts";
import type { Handshake } from "../opening-handshake.ts";
import { recallBuckets, recallShared } from "../limits/buckets.ts";
import { exceedOf, type HitGroup } from "../limits/exceeded.ts";
import { bucketName, isShared, subjectOf } from "../limits/subject.ts";
import type { TokenBucket } from "../limits/token-bucket.ts";
import type { Refusal } from "../rejection.ts";
import type { PolicyCompiler, Reservation, TokenLine } from "../policy.ts";

/**
 * Counts handshakes per time. An address is counted before any credential is verified, so that guessing costs. Client,
 * route and proxy are counted once the client is known: else strangers could use up what honest clients share. The limits
 * of one step are judged together, and a handshake that one of them refuses takes a token of none.
 *
 * Where all pods count together, the buckets of this process refuse first: they have no fewer tokens than those of the
 * store, but for a subject that the store has refused, and for attempts that this process has refused for another reason
 * without asking. So a flood costs the store nothing until it could be let in.
 */
export const attempts: PolicyCompiler<"attempts"> = (settings, context) => {
  const { clock, route, shared, shadow } = context;
  const shapes = once(context.memory, "attempts", settings, () =>
    settings.map(({ per, limit, interval, burst }) => ({ per, limit, interval: parseDuration(interval), burst })),
  );
  const limits = shapes.map((shape) => {
    const { per } = shape;
    const scope = per === "Route" ? route.name : context.scope("attempts");
    const key = `attempts ${per} ${scope}`;
    const buckets = recallBuckets(key, per, shape, context);
    const nameOf = (subject: string): string => bucketName("attempts", undefined, per, scope, subject);
    // A route has one bucket and many handshakes: it is worth borrowing.
    const pockets =
      shared && isShared(per) ? recallShared(key, per, shape, context, shared.pockets, nameOf) : undefined;
    const exceed = exceedOf({ policy: "attempts", per, action: "Refuse" }, context, "Shadow");
    return { per, shape, buckets, exceed, nameOf, pockets };
  });
  type Limit = (typeof limits)[number];
  interface Asked {
    readonly limit: Limit;
    readonly bucket: TokenBucket;
  }
  const anonymous = limits.filter(({ per }) => per === "IP");
  const identified = limits.filter(({ per }) => per !== "IP");

  const asked = (some: readonly Limit[], { addressSubject }: Handshake, now: number, client?: string): Asked[] =>
    some.map((limit) => ({ limit, bucket: limit.buckets.of(subjectOf(limit.per, client, addressSubject), now) }));
  /** Counts the hits; the refusal, where the limits act. */
  const exceed = (exceeded: readonly Asked[], handshake: Handshake, now: number): Refusal | undefined => {
    const group: HitGroup = { logged: false };
    const acting = exceeded.filter(({ limit }) => limit.exceed(handshake, group));
    const [first] = acting;
    if (first === undefined) {
      if (exceeded.length > 0) handshake.shadowed?.("attempts", "AttemptLimit");
      return undefined;
    }
    const retryAfter = Math.max(1, secondsOf(Math.max(...acting.map(({ bucket }) => bucket.wait(1, now)))));
    return { reason: "AttemptLimit", retryAfter, shared: isShared(first.limit.per) };
  };
  const judge = (all: readonly Asked[], handshake: Handshake, now: number): Refusal | undefined => {
    const exceeded = all.filter(({ bucket }) => bucket.available(now) < 1);
    return exceeded.length === 0 ? undefined : exceed(exceeded, handshake, now);
  };
  const count = (all: readonly Asked[], handshake: Handshake, now: number): Refusal | undefined => {
    const refusal = judge(all, handshake, now);
    if (refusal === undefined) for (const { bucket } of all) bucket.take(1, now);
    return refusal;
  };
  const countNow = (some: readonly Limit[], handshake: Handshake, client?: string): Refusal | undefined => {
    const now = clock.now();
    return count(asked(some, handshake, now, client), handshake, now);
  };
  if (shared === undefined)
    return {
      kind: "attempts",
      screen: (handshake) => countNow(anonymous, handshake),
      admit: (handshake, { client }) => countNow(identified, handshake, client),
    };

  const lineOf = (
    { per, shape, nameOf, pockets }: Limit,
    { addressSubject }: Handshake,
    client?: string,
  ): TokenLine => {
    const subject = subjectOf(per, client, addressSubject);
    return { name: nameOf(subject), shape, pocket: pockets?.of(subject, clock.now()) };
  };
  const reserve = (some: readonly Limit[], handshake: Handshake, client?: string): Reservation | undefined => {
    if (some.length === 0) return undefined;
    const all = asked(some, handshake, clock.now(), client);
    const buckets = some.map((limit) => lineOf(limit, handshake, client));
    return {
      ...{ buckets, places: [], shadow },
      taken(exceeded) {
        const now = clock.now();
        exceed(
          all.filter((_, line) => exceeded.includes(line)),
          handshake,
          now,
        );
        for (const [line, { bucket }] of all.entries()) if (!exceeded.includes(line)) bucket.force(1, now);
      },
      refused(line, wait) {
        const now = clock.now();
        const { limit, bucket } = all[line] as Asked;
        const { shape, per } = limit;
        // The wait may be that of another limit: an empty bucket has a token again after one interval's share.
        const own = Math.min(wait, shape.interval / shape.limit);
        bucket.lower(1 - (own * shape.limit) / shape.interval, now);
        exceed([{ limit, bucket }], handshake, now);
        return { reason: "AttemptLimit", retryAfter: Math.max(1, secondsOf(wait)), shared: isShared(per) };
      },
      alone: () => count(all, handshake, clock.now()),
    };
  };
  // In Shadow nothing is refused, and the store alone knows what is exceeded.
  const refused = (some: readonly Limit[], handshake: Handshake, client?: string): Refusal | undefined => {
    const now = clock.now();
    return shadow ? undefined : judge(asked(some, handshake, now, client), handshake, now);
  };
  return {
    kind: "attempts",
    screen: (handshake) => refused(anonymous, handshake),
    screenShared: (handshake) => reserve(anonymous, handshake),
    admit: (handshake, { client }) => refused(identified, handshake, client),
    refusedBehind(handshake, { client }) {
      const now = clock.now();
      for (const { bucket } of asked(identified, handshake, now, client)) bucket.take(1, now);
    },
    admitShared: (handshake, { client }) => reserve(identified, handshake, client),
  };
};

/** Whole seconds of a wait in ms: less than a µs of it comes from rounding. */
function secondsOf(wait: number): number {
  return Math.ceil(Math.round(wait * 1000) / 1_000_000);
}
