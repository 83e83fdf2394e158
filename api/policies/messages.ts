import { z } from "zod";
import type { PolicyDefinition } from "./policy.ts";
import { BURST, count, interval, keyedByPer, per } from "./rate-limit.ts";

const list = keyedByPer(
  z
    .strictObject({
      per,
      limit: count.describe("Messages in each interval. A message is counted at its first frame."),
      interval,
      burst: count.optional().describe(BURST),
      onExceed: z
        .enum(["Close", "Drop", "Delay"])
        .default("Close")
        .describe(
          "Close ends the session with 1008. Drop removes the whole message. Delay stops reading until the limit permits more. If Drop takes effect on an open session that compresses, its compressed messages are delayed instead.",
        ),
    })
    .transform((item) => ({ ...item, burst: item.burst ?? item.limit })),
).prefault([]);

const spec = z
  .strictObject({
    fromClient: list.describe("Limits on messages that clients send."),
    fromBackend: list.describe("Limits on messages that backends send."),
  })
  .describe(
    "Messages per time, in each direction. Control frames are not messages. Each pod counts for itself unless spec.store is set.",
  );

/** Messages per time, in each direction. Control frames are not messages. */
export const messages = { spec, rendered: spec, absent: undefined } satisfies PolicyDefinition;
