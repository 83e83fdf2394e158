import { parseDuration } from "../../api/quantities.ts";
import { ofSettings, type PolicyCompiler } from "../policy.ts";

/** Pings to the client; the tunnel sends them between frames and does not forward their pongs. */
export const keepalive: PolicyCompiler<"keepalive"> = ofSettings("keepalive", (settings) => {
  const interval = parseDuration(settings.interval);
  const timeout = parseDuration(settings.timeout);
  const { strict } = settings;
  if (interval === 0) return {};
  return {
    plan(_party, draft) {
      draft.keepalive = { interval, timeout, strict };
    },
  };
});
