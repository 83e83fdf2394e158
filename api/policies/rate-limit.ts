import { z } from "zod";
import { positiveDuration } from "../quantities.ts";

/** Fields that the policies with limits share. */

/** The subject that a limit on messages or bytes counts by. */
export const per = z
  .enum(["Connection", "Client", "IP", "Route", "Proxy"])
  .describe(
    "What the limit counts by. Client counts by the client's address if the client has no id. An IPv6 address counts by its /64.",
  );

/** The subject that a limit on handshakes or sessions counts by. */
export const perBeforeSession = z
  .enum(["Client", "IP", "Route", "Proxy"])
  .describe(
    "What the limit counts by. Client counts by the client's address if the client has no id. An IPv6 address counts by its /64.",
  );

export const count = z.int().min(1).max(1_000_000_000);

export const interval = positiveDuration.describe("Time in which the whole limit refills, evenly.");

export const BURST = "How much may come at once after a pause. Default: limit.";

/** A list keyed by `per`: each subject at most once (a Kubernetes list map). */
export function keyedByPer<T extends z.ZodType<{ per: string }>>(item: T) {
  return z
    .array(item.describe("One limit."))
    .max(5)
    .refine((list) => new Set(list.map((entry) => entry.per)).size === list.length, "each `per` may stand here once")
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["per"] });
}
