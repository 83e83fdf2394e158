import { sessionLimits } from "./session-limits.ts";
import type { PolicyCompiler } from "../policy.ts";

/** Messages per time; the tunnel takes a token at the first frame of each. */
export const messages: PolicyCompiler<"messages"> = (settings, context) => {
  const fromClient = sessionLimits("messages", "fromClient", settings.fromClient, context);
  const fromBackend = sessionLimits("messages", "fromBackend", settings.fromBackend, context);
  return {
    kind: "messages",
    plan(party, draft) {
      draft.fromClient.messages.push(...fromClient(party));
      draft.fromBackend.messages.push(...fromBackend(party));
    },
  };
};
