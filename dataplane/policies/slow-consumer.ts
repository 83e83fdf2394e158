import { parseDuration, parseSize } from "../../api/quantities.ts";
import { ofSettings, type PolicyCompiler } from "../policy.ts";

/** Back pressure: the tunnel pauses the source, and ends the session when the receiver takes too little. */
export const slowConsumer: PolicyCompiler<"slowConsumer"> = ofSettings("slowConsumer", (settings) => {
  const maxBuffered = parseSize(settings.maxBuffered);
  const timeout = parseDuration(settings.timeout);
  return {
    plan(_party, draft) {
      draft.slowConsumer = { maxBuffered, timeout };
    },
  };
});
