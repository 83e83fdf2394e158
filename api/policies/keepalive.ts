import { z } from "zod";
import { duration, positiveDuration } from "../quantities.ts";
import type { PolicyDefinition } from "./policy.ts";

const spec = z
  .strictObject({
    interval: duration.default("30s").describe("Time between pings to the client. 0s: no pings."),
    timeout: positiveDuration
      .default("10s")
      .describe("A session ends if the client sends nothing in this time after a ping."),
    strict: z
      .boolean()
      .default(false)
      .describe("True: only the pong answers a ping (RFC 6455 §5.5.3). False: any bytes of the client do."),
  })
  .describe(
    "Pings to the client, which detect clients that vanished without a Close frame. Their pongs never reach the backend.",
  );

/** Pings to the client, which detect clients that vanished without a Close frame. Their pongs never reach the backend. */
export const keepalive = { spec, rendered: spec, absent: {} } satisfies PolicyDefinition;
