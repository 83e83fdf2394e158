import { z } from "zod";
import type { PolicyDefinition } from "./policy.ts";
import { count, keyedByPer, perBeforeSession } from "./rate-limit.ts";

const spec = keyedByPer(
  z.strictObject({
    per: perBeforeSession,
    limit: count.describe(
      "Sessions that may be open at the same time: on one pod, or with spec.store on all pods together.",
    ),
  }),
).describe(
  "Sessions that may be open at the same time. The gateway refuses further ones with 429, or with 503 where all clients share the limit (Route, Proxy). Each pod counts for itself unless spec.store is set.",
);

/** Sessions that may be open at the same time, handshakes under way included. */
export const connections = { spec, rendered: spec, absent: undefined } satisfies PolicyDefinition;
