import { parseDuration } from "../../api/quantities.ts";
import { ofSettings, type PolicyCompiler } from "../policy.ts";

/** The session's own time-outs. `handshake` belongs to the listener, `backendConnect` to the dial: see `snapshot.ts`. */
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
