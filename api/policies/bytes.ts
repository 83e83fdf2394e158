import { z } from "zod";
import { positiveSize } from "../quantities.ts";
import type { PolicyDefinition } from "./policy.ts";
import { BURST, interval, keyedByPer, per } from "./rate-limit.ts";

const list = keyedByPer(
  z
    .strictObject({
      per,
      limit: positiveSize.describe(
        "Payload bytes in each interval, counted on the wire: compressed bytes where client and backend negotiated permessage-deflate.",
      ),
      interval,
      burst: positiveSize.optional().describe(BURST),
      onExceed: z
        .enum(["Close", "Delay"])
        .default("Close")
        .describe("Close ends the session with 1008. Delay stops reading until the limit permits more."),
    })
    .transform((item) => ({ ...item, burst: item.burst ?? item.limit })),
).prefault([]);

const spec = z
  .strictObject({
    fromClient: list.describe("Limits on bytes that clients send."),
    fromBackend: list.describe("Limits on bytes that backends send."),
  })
  .describe("Payload bytes per time, in each direction. Each pod counts for itself unless spec.store is set.");

/** Payload bytes per time, in each direction. */
export const bytes = { spec, rendered: spec, absent: undefined } satisfies PolicyDefinition;
