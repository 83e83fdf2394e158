import { z } from "zod";
import type { Policy } from "./policy.ts";
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
);

/** Handshakes per time, counted before any backend is dialled. */
export const attempts = { spec, rendered: spec, absent: undefined } satisfies Policy;
