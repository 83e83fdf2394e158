import { bounded, type Fields, type Log } from "../runtime/log.ts";

/** Lines that `log.access` admits with All only. */
const SESSIONS = new Set(["session opened", "session closed"]);
/** Lines that it admits with Refused too. */
const REFUSALS = new Set(["handshake refused", "limit exceeded"]);

/** What a line may say; what is not here is left out, so that no new field brings a credential along unseen. */
const FIELDS = new Set([
  ...["session", "requestId", "route", "client", "address", "endpoint", "subprotocol"],
  ...["status", "reason", "detail", "code", "by", "duration", "messages", "bytes"],
  ...["policy", "direction", "per", "action", "shadow"],
  ...["issuer", "host", "fault", "err"],
]);

/** Frames of a stack that are worth a line. */
const MAX_STACK = 12;

/**
 * A proxy's log: its name on every line; only fields of the list, no text longer than a line should be; and only those
 * lines about handshakes and sessions that `log.access` admits.
 */
export function accessLog(log: Log, proxy: string, access: "All" | "Refused" | "None"): Log {
  const shown = (message: string): boolean => {
    if (SESSIONS.has(message)) return access === "All";
    return !REFUSALS.has(message) || access !== "None";
  };
  return {
    debug: (fields, message) => log.debug(permitted(proxy, fields), message),
    info: (fields, message) => {
      if (shown(message)) log.info(permitted(proxy, fields), message);
    },
    warn: (fields, message) => log.warn(permitted(proxy, fields), message),
    error: (fields, message) => log.error(permitted(proxy, fields), message),
  };
}

function permitted(proxy: string, fields: Fields): Fields {
  const line: Record<string, unknown> = { proxy };
  for (const [name, value] of Object.entries(fields)) {
    if (FIELDS.has(name) && value !== undefined) line[name] = plain(value);
  }
  return line;
}

/** Text may come from the network, in whatever field it stands; an error's own properties may quote what it is about. */
function plain(value: unknown): unknown {
  if (typeof value === "string") return bounded(value);
  if (!(value instanceof Error)) return value;
  const stack = value.stack?.split("\n").slice(0, MAX_STACK);
  return { name: value.name, message: bounded(value.message), stack: stack?.map((frame) => bounded(frame.trim())) };
}
