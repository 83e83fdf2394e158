import { z } from "zod";
import { positiveDuration, positiveSize } from "../quantities.ts";
import type { PolicyDefinition } from "./policy.ts";

const spec = z
  .strictObject({
    maxBuffered: positiveSize
      .default("1Mi")
      .describe(
        "Bytes that the gateway buffers for a receiver, per direction. Above it the gateway pauses the sender.",
      ),
    timeout: positiveDuration
      .default("30s")
      .describe(
        "A session ends if a receiver with more than maxBuffered in its buffer does not take a tenth of maxBuffered in this time.",
      ),
  })
  .describe("What happens if client or backend reads more slowly than the other end sends.");

/** What happens when an end takes its bytes slower than the other sends them. */
export const slowConsumer = { spec, rendered: spec, absent: {} } satisfies PolicyDefinition;
