import { z } from "zod";
import { LONGEST_SHOWN } from "./admin-pages.ts";

/**
 * What the admin port streams of handshakes and sessions while it is watched: `/debug/events` and `/debug/frames`, in the
 * format of Server-Sent Events. Each event has one line of JSON. Both sides may be of another version: what is unknown is
 * passed over, so no value is a closed set for a reader.
 */

/** Bounds of what is watched. */
export const DEBUG = {
  /** Watchers of events and frames at the same time, over the whole process. */
  watchers: 5,
  /** Time for which a stream has its place for itself, in ms; later it gives it to a new one that finds no other. */
  stays: 60_000,
  /** Refusals that are kept although nothing watches. */
  refusals: 200,
  /** Steps of one policy trace. */
  steps: 32,
  /** Bytes that may wait for a watcher; one that is slower is cut. */
  unread: 1_048_576,
  /** Time between two signs of life of a stream without events, in ms. */
  heartbeat: 15_000,
  frames: {
    /** Longest trace of frames, in seconds. */
    seconds: 600,
    /** Frames of one trace in a second; of others it says only how many. */
    perSecond: 1_000,
    /** Bytes of a payload that are shown at most. */
    payload: 1_024,
  },
} as const;

const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const word = z.string().max(64);
const shown = z.string().max(LONGEST_SHOWN + 1);
const bothWays = z.object({ fromClient: count, fromBackend: count });

/** Fields that all events have, as in the log. */
const common = {
  at: z.string().describe("When (RFC 3339, with milliseconds)."),
  proxy: z.string().max(320).describe("`<namespace>/<name>`"),
  route: z.string().max(63).optional().describe("Absent: no route was found."),
  requestId: z.string().max(128).optional(),
  client: shown.optional().describe("Verified client id. Absent: no client was identified."),
  address: z.string().max(64).optional().describe("IP address of the client."),
};

export const traceStep = z.object({
  name: word.describe(
    "`handshake` (its form), `route`, `capacity`, a policy by its name in the spec, `store`, `backend`, `answer`.",
  ),
  verdict: word.describe("`passed`, `refused`, `skipped` (an earlier step decided), `shadow` (it would have refused)."),
  reason: word.optional().describe("With `refused` and `shadow`: one of the reasons of the reference."),
  micros: z.number().min(0).optional().describe("How long the step took, in µs. Absent: it was not timed, or skipped."),
});

export const handshakeEvent = z.object({
  ...common,
  host: shown.optional(),
  path: shown.optional().describe("As in the log: without the query."),
  status: z.int().min(100).max(599).describe("101, or the status of the refusal."),
  reason: word.describe("`Accepted`, or why the handshake was refused."),
  policy: word.optional().describe("The policy that refused it."),
  cause: z.string().max(1024).optional().describe("What the log says besides."),
  session: z.string().max(64).optional().describe("Id of the session. Absent: there is none."),
  endpoint: z.string().max(320).optional().describe("Endpoint of the backend that was dialled last."),
  dialMillis: z.number().min(0).optional().describe("Dial, TLS and the backend's answer, in ms."),
  backendStatus: z.int().min(100).max(599).optional().describe("What the backend answered."),
  millis: z.number().min(0).optional().describe("The whole handshake, in ms."),
  steps: z.array(traceStep).max(DEBUG.steps).optional().describe("The policy trace, in the chain's order."),
  past: z.boolean().optional().describe("true: one of the refusals that were kept. Its steps have no times."),
});

export const sessionClosedEvent = z.object({
  ...common,
  session: z.string().max(64),
  code: z.int().min(1000).max(4999),
  reason: word,
  policy: word.optional(),
  cause: z.string().max(1024).optional(),
  by: word.describe("`client`, `backend` or `gateway`."),
  duration: z.number().min(0).describe("In seconds."),
  messages: bothWays,
  bytes: bothWays,
});

export const limitEvent = z.object({
  ...common,
  session: z.string().max(64).optional().describe("Id of the session. Absent: a handshake exceeded the limit."),
  policy: word,
  per: word,
  action: word,
  direction: word.optional().describe("`fromClient` or `fromBackend`."),
  shadow: z.boolean(),
});

/** One thing in the life of a session. */
export const timelineEvent = z.object({
  ...common,
  session: z.string().max(64),
  what: word.describe(
    "`paused` (a limit or the receiver's pace), `resumed`, `ping`, `pong`, `credentialChecked`, `closeSent`, `closeReceived`.",
  ),
  direction: word.optional(),
  code: z.int().min(0).max(4999).optional().describe("Of a Close frame."),
  reason: word.optional(),
});

export const tlsFailedEvent = z.object({ ...common, cause: z.string().max(1024) });

/** First on every stream. */
export const watchingEvent = z.object({
  at: z.string(),
  proxies: z.array(z.string().max(320)).max(64),
  payload: z.boolean().describe("A frame trace may show payload: `dataplane.debug.payload` is Allowed."),
});

export const frameEvent = z.object({
  at: z.string(),
  session: z.string().max(64),
  direction: word.describe("`fromClient` or `fromBackend`."),
  opcode: z.int().min(0).max(15),
  fin: z.boolean(),
  compressed: z.boolean().optional().describe("true: RSV1 is set, the message is compressed."),
  size: count.describe("Payload bytes."),
  verdict: word.describe("`forwarded`, `dropped`, `held` or `stopped`."),
  reason: word.optional().describe("With `stopped`: why the session ends."),
  payload: z
    .string()
    .max(8 * DEBUG.frames.payload)
    .optional()
    .describe("Its first bytes: text, or base64 (`binary`)."),
  binary: z.boolean().optional().describe("true: `payload` is base64."),
});

/** Frames of a second beyond the bound. */
export const framesLeftOutEvent = z.object({ at: z.string(), frames: count });

/** The names of events on the stream, with their schemas. */
export const DEBUG_EVENTS = {
  watching: watchingEvent,
  handshake: handshakeEvent,
  closed: sessionClosedEvent,
  limit: limitEvent,
  timeline: timelineEvent,
  tlsFailed: tlsFailedEvent,
  frame: frameEvent,
  leftOut: framesLeftOutEvent,
} as const;

export type DebugEventName = keyof typeof DEBUG_EVENTS;
export type DebugEvent<N extends DebugEventName> = z.output<(typeof DEBUG_EVENTS)[N]>;
export type TraceStep = z.output<typeof traceStep>;
