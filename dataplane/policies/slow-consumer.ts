import { parseDuration, parseSize } from "../../api/quantities.ts";
import { ofSettings, type PolicyCompiler } from "../policy.ts";

/** Back pressure and its end: the tunnel pauses the sender, and gives the receiver up when it takes too little of it. */
export const slowConsumer: PolicyCompiler<"slowConsumer"> = ofSettings("slowConsumer", (settings) => {
  const maxBuffered = parseSize(settings.maxBuffered);
  const timeout = parseDuration(settings.timeout);
  return {
    plan(_party, draft) {
      draft.slowConsumer = { maxBuffered, timeout };
    },
  };
});
