import { z } from "zod";
import type { PolicyDefinition } from "./policy.ts";
import { count, keyedByPer, perBeforeSession } from "./rate-limit.ts";

const spec = keyedByPer(
  z.strictObject({
    per: perBeforeSession,
    limit: count.describe("Sessions that may be open at the same time on one pod."),
  }),
).describe(
  "Sessions that may be open at the same time. The gateway refuses further ones with 429, or with 503 where all clients share the limit (Route, Proxy). Each pod counts for itself.",
);

/** Sessions that may be open at the same time, handshakes under way included. */
export const connections = { spec, rendered: spec, absent: undefined } satisfies PolicyDefinition;
