import { z } from "zod";
import type { PolicyDefinition } from "./policy.ts";
import { count, keyedByPer, perBeforeSession } from "./rate-limit.ts";

const spec = keyedByPer(
  z.strictObject({ per: perBeforeSession, limit: count.describe("Sessions open at the same time, on one pod.") }),
).describe(
  "Sessions that may be open at the same time; more are refused with 429, or 503 where all share the limit. Counted on each pod.",
);

/** Sessions that may be open at the same time, handshakes under way included. */
export const connections = { spec, rendered: spec, absent: undefined } satisfies PolicyDefinition;
