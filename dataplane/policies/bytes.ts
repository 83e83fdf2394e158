import { sessionLimits } from "./session-limits.ts";
import type { PolicyCompiler } from "../policy.ts";

/** Payload bytes per time; the tunnel takes them as they are read. */
export const bytes: PolicyCompiler<"bytes"> = (settings, context) => {
  const fromClient = sessionLimits("bytes", "fromClient", settings.fromClient, context);
  const fromBackend = sessionLimits("bytes", "fromBackend", settings.fromBackend, context);
  return {
    kind: "bytes",
    plan(party, draft) {
      draft.fromClient.bytes.push(...fromClient(party));
      draft.fromBackend.bytes.push(...fromBackend(party));
    },
  };
};
