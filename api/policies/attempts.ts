import { z } from "zod";
import type { PolicyDefinition } from "./policy.ts";
import { BURST, count, interval, keyedByPer, perBeforeSession } from "./rate-limit.ts";

const spec = keyedByPer(
  z
    .strictObject({
      per: perBeforeSession,
      limit: count.describe("Handshakes in each interval."),
      interval,
      burst: count.optional().describe(BURST),
    })
    .transform((item) => ({ ...item, burst: item.burst ?? item.limit })),
).describe(
  "Handshakes per time; more are refused with 429, or 503 where all share the limit. Counted on each pod, before any backend is dialled: per IP before a credential is verified, which makes it the limit against guessing; per Client, Route and Proxy once the client is known.",
);

/** Handshakes per time, counted before any backend is dialled. */
export const attempts = { spec, rendered: spec, absent: undefined } satisfies PolicyDefinition;
