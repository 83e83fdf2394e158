import { z } from "zod";
import { positiveDuration, positiveSize } from "../quantities.ts";
import type { PolicyDefinition } from "./policy.ts";

const spec = z
  .strictObject({
    maxBuffered: positiveSize
      .default("1Mi")
      .describe("Bytes kept for a receiver that does not take them; above it the sender is paused. Per direction."),
    timeout: positiveDuration
      .default("30s")
      .describe("The session ends where a receiver above maxBuffered does not take a tenth of it in this time."),
  })
  .describe("What happens when an end takes its bytes slower than the other sends them.");

/** What happens when an end takes its bytes slower than the other sends them. */
export const slowConsumer = { spec, rendered: spec, absent: {} } satisfies PolicyDefinition;
