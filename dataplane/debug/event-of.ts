import { LONGEST_SHOWN } from "../../api/admin-pages.ts";
import type { DebugEvent, DebugEventName } from "../../api/debug.ts";
import { bounded, type Fields } from "../../runtime/log.ts";
import type { AccessEvent } from "../access-log.ts";
import { decidingStep } from "./deciding-step.ts";
import type { Trace } from "./trace.ts";

/** An event with its name on the stream. */
export interface NamedEvent {
  readonly name: DebugEventName;
  readonly event: Fields;
}

/** Fields of the line that an event of this name has too, in the order in which it shows them. */
const COMMON = ["proxy", "route", "requestId", "client", "address"];
const SHOWN: Readonly<Record<AccessEvent, readonly string[]>> = {
  SessionOpened: [...COMMON, "status", "session", "endpoint"],
  HandshakeRefused: [...COMMON, "host", "path", "status", "reason", "policy", "cause"],
  SessionClosed: [
    ...[...COMMON, "session", "code", "reason", "policy", "cause"],
    ...["by", "duration", "messages", "bytes"],
  ],
  LimitExceeded: [...COMMON, "session", "policy", "per", "action", "direction", "shadow"],
  TlsFailed: [...COMMON, "cause"],
};
const NAMES = {
  SessionOpened: "handshake",
  HandshakeRefused: "handshake",
  SessionClosed: "closed",
  LimitExceeded: "limit",
  TlsFailed: "tlsFailed",
} as const satisfies Record<AccessEvent, DebugEventName>;

/** The event of an access line: no field that the line has not, but for what a trace measured. `at`: ms since the epoch. */
export function eventOf(event: AccessEvent, line: Fields, at: number, trace?: Trace): NamedEvent {
  const of: Record<string, unknown> = { at: new Date(at).toISOString() };
  for (const field of SHOWN[event]) if (line[field] !== undefined) of[field] = line[field];
  if (event === "SessionOpened") Object.assign(of, { reason: "Accepted" }, trace && measured(trace));
  else if (event === "HandshakeRefused") {
    const decided = decidingStep(String(line["reason"]), line["policy"] as string | undefined);
    const alone = { steps: [{ name: decided.name, verdict: "refused", reason: decided.reason }] };
    Object.assign(of, trace === undefined ? alone : measured(trace, decided));
  }
  return { name: NAMES[event], event: of };
}

type Measured = Pick<
  DebugEvent<"handshake">,
  "host" | "path" | "endpoint" | "dialMillis" | "backendStatus" | "millis" | "steps"
>;

function measured(trace: Trace, refused?: Parameters<Trace["steps"]>[0]): Measured {
  const { host, path, endpoint, dialMillis, backendStatus, millis } = trace;
  return {
    ...(host === undefined ? {} : { host: bounded(host, LONGEST_SHOWN) }),
    ...(path === undefined ? {} : { path: bounded(path, LONGEST_SHOWN) }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(dialMillis === undefined ? {} : { dialMillis }),
    ...(backendStatus === undefined ? {} : { backendStatus }),
    millis,
    steps: trace.steps(refused),
  };
}
