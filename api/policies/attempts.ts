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
  "Handshakes per time. The gateway refuses further ones with 429, or with 503 where all clients share the limit (Route, Proxy). Counted before the gateway dials a backend, and in each pod by itself unless spec.store is set. Per IP counts before a credential is verified, so it limits guessing; per Client, Route and Proxy count once the client is known.",
);

/** Handshakes per time, counted before any backend is dialled. */
export const attempts = { spec, rendered: spec, absent: undefined } satisfies PolicyDefinition;
