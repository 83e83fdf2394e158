import { z } from "zod";
import type { PolicyDefinition } from "./policy.ts";

const spec = z
  .enum(["Passthrough", "Disabled"])
  .describe(
    "Passthrough (default) lets client and backend negotiate permessage-deflate (RFC 7692). Disabled removes the client's offer. A message limit with onExceed Drop implies Disabled.",
  );

/** Whether the two ends may compress. The gateway itself never does: it keeps no deflate state. */
export const compression = { spec, rendered: spec, absent: "Passthrough" } satisfies PolicyDefinition;
