import { bounded, type Fields, type Log } from "../runtime/log.ts";

/** A value of `log.access`. */
export type Access = "All" | "Refused" | "None";

/** Every event of handshakes and sessions that has a line: the words of the line, and the values of `log.access` that show it. */
const ACCESS_EVENTS = {
  SessionOpened: { message: "session opened", shown: { All: true, Refused: false, None: false } },
  SessionClosed: { message: "session closed", shown: { All: true, Refused: false, None: false } },
  HandshakeRefused: { message: "handshake refused", shown: { All: true, Refused: true, None: false } },
  TlsFailed: { message: "TLS handshake failed", shown: { All: true, Refused: true, None: false } },
  LimitExceeded: { message: "limit exceeded", shown: { All: true, Refused: true, None: false } },
} as const satisfies Record<string, { readonly message: string; readonly shown: Readonly<Record<Access, boolean>> }>;

/** What `event` says in an access line; other lines have no such field. */
export type AccessEvent = keyof typeof ACCESS_EVENTS;

/** Fields that a line may have. Any other is left out, so that a new field cannot bring a credential into the log unseen. */
const FIELDS = new Set([
  "event",
  ...["session", "requestId", "route", "client", "address", "endpoint", "subprotocol"],
  ...["status", "reason", "cause", "code", "by", "duration", "messages", "bytes"],
  ...["policy", "direction", "per", "action", "shadow"],
  ...["seconds", "payload", "closed"],
  ...["issuer", "host", "path", "fault", "err"],
]);

/** Watches access lines, whether the log shows them or not. */
export interface AccessWatch {
  /** Lines of this event are wanted now. */
  wants(event: AccessEvent): boolean;
  /** `line`: as the log would have it, not to be changed; `beside`: what the event has that no line shows. */
  tell(event: AccessEvent, line: Fields, beside: unknown): void;
}

/** A field of an event that no line shows. */
const BESIDE = "beside";

/** Frames of an error's stack that a line has. */
const MAX_STACK = 12;

/** Writes the line of an event: the only way to write one. `beside`: for what watches the log, and in no line. */
export function accessLine(
  log: Log,
  event: AccessEvent,
  fields: Fields & { readonly event?: never },
  beside?: object,
): void {
  const line = beside === undefined ? { event, ...fields } : { event, ...fields, [BESIDE]: beside };
  log.info(line, ACCESS_EVENTS[event].message);
}

/** What a person does at the admin port that leaves a line for the time after. */
const AUDIT_EVENTS = {
  PayloadTraced: "payload of frames is shown at the admin port",
  ClosedByOperator: "sessions are closed at the admin port",
} as const;

export type AuditEvent = keyof typeof AUDIT_EVENTS;

/** Writes the line of what a person does. It is no access line: `log.access` hides none, and of the levels only `error` does. */
export function auditLine(log: Log, event: AuditEvent, fields: Fields & { readonly event?: never }): void {
  log.warn({ event, ...fields }, AUDIT_EVENTS[event]);
}

/**
 * A proxy's log: the proxy's name on every line; only fields of the list, no text longer than a line should be; and of
 * the access lines those that `log.access` shows. `watch` is told of each access line that it wants, in the same words.
 */
export function accessLog(log: Log, proxy: string, access: Access, watch?: AccessWatch): Log {
  return {
    debug: (fields, message) => log.debug(permitted(proxy, fields), message),
    info: (fields, message) => {
      const { event } = fields;
      if (!isAccessEvent(event)) return log.info(permitted(proxy, fields), message);
      const shown = ACCESS_EVENTS[event].shown[access];
      const wanted = watch?.wants(event) === true;
      if (!shown && !wanted) return;
      const line = permitted(proxy, fields);
      if (shown) log.info(line, message);
      if (wanted) watch?.tell(event, line, fields[BESIDE]);
    },
    warn: (fields, message) => log.warn(permitted(proxy, fields), message),
    error: (fields, message) => log.error(permitted(proxy, fields), message),
  };
}

/** A line without an event is no access line, and is always shown. */
function isAccessEvent(event: unknown): event is AccessEvent {
  return typeof event === "string" && Object.hasOwn(ACCESS_EVENTS, event);
}

function permitted(proxy: string, fields: Fields): Fields {
  const line: Record<string, unknown> = { proxy };
  for (const [name, value] of Object.entries(fields)) {
    if (FIELDS.has(name) && value !== undefined) line[name] = plain(value);
  }
  return line;
}

/** Any text may come from the network. Of an error only name, message and stack: its other properties may quote a credential. */
function plain(value: unknown): unknown {
  if (typeof value === "string") return bounded(value);
  if (!(value instanceof Error)) return value;
  const stack = value.stack?.split("\n").slice(0, MAX_STACK);
  return { name: value.name, message: bounded(value.message), stack: stack?.map((frame) => bounded(frame.trim())) };
}
