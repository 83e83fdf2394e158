import { parseDuration } from "../../api/quantities.ts";
import { ofSettings, type PolicyCompiler } from "../policy.ts";

/** The time-outs of the session. `handshake` is the listener's, `backendConnect` the dial's: see `snapshot.ts`. */
export const timeouts: PolicyCompiler<"timeouts"> = ofSettings("timeouts", (settings) => {
  const idle = parseDuration(settings.idle);
  const lifetime = parseDuration(settings.lifetime);
  return {
    plan(_party, draft) {
      draft.idle = idle;
      draft.lifetime = lifetime;
    },
  };
});
