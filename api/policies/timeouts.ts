import { z } from "zod";
import { duration, positiveDuration } from "../quantities.ts";
import type { PolicyDefinition } from "./policy.ts";

const spec = z
  .strictObject({
    handshake: positiveDuration.default("10s").describe("How long the client's request head may take."),
    backendConnect: positiveDuration
      .default("60s")
      .describe("How long dial, TLS and the backend's 101 together may take."),
    idle: duration
      .default("0s")
      .describe("A session ends after this time without a message in either direction; 0s: never."),
    lifetime: duration
      .default("0s")
      .describe(
        "A session ends after this time, shortened by a random share of up to 10 % so that sessions do not end together; 0s: never.",
      ),
  })
  .describe("Time limits of handshakes and sessions.");

/** How long the parts of a connection's life may take. */
export const timeouts = { spec, rendered: spec, absent: {} } satisfies PolicyDefinition;
