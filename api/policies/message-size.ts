import { z } from "zod";
import { size } from "../quantities.ts";
import type { PolicyDefinition } from "./policy.ts";

const spec = z
  .strictObject({
    fromClient: size.default("1Mi").describe("Largest message of a client; 0: no limit."),
    fromBackend: size.default("16Mi").describe("Largest message of a backend; 0: no limit."),
    maxFragments: z
      .int()
      .min(0)
      .max(1_000_000_000)
      .default(4096)
      .describe("Largest number of frames of one message; 0: no limit."),
  })
  .describe(
    "Largest size of a whole message: the sum of its fragments, in bytes on the wire, which are compressed bytes where client and backend negotiated permessage-deflate. A larger message ends the session with 1009.",
  );

/** Size of a whole message: its fragments summed, in bytes on the wire (compressed where the two ends compress). */
export const messageSize = { spec, rendered: spec, absent: {} } satisfies PolicyDefinition;
