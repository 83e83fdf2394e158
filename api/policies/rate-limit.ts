import { z } from "zod";
import { positiveDuration } from "../quantities.ts";

/** Parts that the policies which limit something per time have in common. */

/** Whom a limit counts, once the session is open. */
export const per = z
  .enum(["Connection", "Client", "IP", "Route", "Proxy"])
  .describe(
    "Whom the limit counts. Client falls back to the client's address where nobody is identified; an IPv6 client counts by its /64.",
  );

/** Whom a limit counts, before and across sessions. */
export const perBeforeSession = z
  .enum(["Client", "IP", "Route", "Proxy"])
  .describe(
    "Whom the limit counts. Client falls back to the client's address where nobody is identified; an IPv6 client counts by its /64.",
  );

export const count = z.int().min(1).max(1_000_000_000);

export const interval = positiveDuration.describe("The time in which the whole limit refills, evenly.");

export const BURST = "How much may come at once after a pause. Default: the limit.";

/** A list keyed by `per`: each subject at most once (a Kubernetes list map). */
export function keyedByPer<T extends z.ZodType<{ per: string }>>(item: T) {
  return z
    .array(item.describe("One limit."))
    .max(5)
    .refine((list) => new Set(list.map((entry) => entry.per)).size === list.length, "each `per` may stand here once")
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["per"] });
}
