import type { Log } from "../runtime/log.ts";

const REFUSED = new Set(["handshake refused"]);
const SESSIONS = new Set(["session opened", "session closed"]);

/** A proxy's log: its name on every line, and only those lines about handshakes and sessions that `log.access` admits. */
export function accessLog(log: Log, proxy: string, access: "All" | "Refused" | "None"): Log {
  const shown = (message: string): boolean => {
    if (SESSIONS.has(message)) return access === "All";
    return !REFUSED.has(message) || access !== "None";
  };
  return {
    debug: (fields, message) => log.debug({ proxy, ...fields }, message),
    info: (fields, message) => {
      if (shown(message)) log.info({ proxy, ...fields }, message);
    },
    warn: (fields, message) => log.warn({ proxy, ...fields }, message),
    error: (fields, message) => log.error({ proxy, ...fields }, message),
  };
}
