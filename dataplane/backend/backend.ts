import { randomBytes } from "node:crypto";
import { request as httpRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../../runtime/clock.ts";
import { hostPort } from "../../runtime/host-port.ts";
import type { Endpoint } from "../../api/config.ts";
import { pause } from "../../runtime/loop/pause.ts";
import type { Spread } from "../../runtime/loop/spread.ts";
import { AnswerStream, ExcessiveAnswer } from "../http/answer-stream.ts";
import { connect, dialFault, EndpointGone, PortClosed, type Dialling } from "./connect.ts";
import type { Balancer, Target } from "./balancer.ts";
import { checkResponse, type Agreement } from "./check-response.ts";
import { fieldsOf, type HeaderField } from "../http/header-fields.ts";
import type { OutgoingRequest } from "../policies/outgoing.ts";
import { MAX_BODY_ON_WIRE, relayedAnswer, type RelayedAnswer } from "./relayed-answer.ts";
import { requestHeaders } from "./request-headers.ts";
import { switchingFields } from "./response-headers.ts";
import type { Refusal } from "../rejection.ts";

/** A backend's connection after its 101 has been checked. */
export interface Dialled {
  /** Not being read. */
  readonly socket: Socket;
  /** Bytes behind the head of its 101 that were read together with it. */
  readonly early: Buffer;
  readonly protocol: string | undefined;
  readonly extensions: string | undefined;
  /** Of the 101, what goes on to the client. */
  readonly headers: readonly HeaderField[];
  /** Address and port, for logs. */
  readonly endpoint: string;
  /** The endpoint has one connection less. */
  readonly release: () => void;
}

export type DialOutcome =
  | { readonly kind: "open"; readonly backend: Dialled }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | ({ readonly kind: "relay" } & RelayedAnswer);

/** What is told of a dial while it lasts. */
export interface DialWatch {
  /** This endpoint is dialled now. */
  dials(endpoint: Endpoint): void;
  /** A backend has answered the handshake. */
  answered(status: number): void;
}

export interface DialOptions extends Dialling {
  /** For all attempts together, in ms. */
  readonly timeout: number;
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** The process stops: a port of the pod itself that is closed now stays closed. */
  readonly stopping: () => boolean;
  /** The turns of answers: hundreds may come at once. */
  readonly answers: Spread;
  /** Absent: nothing watches. */
  readonly watch?: DialWatch;
}

/** Endpoints that are tried for one handshake. */
const MAX_ATTEMPTS = 3;
const MAX_HEAD = 16_384;
/**
 * How long a process of the pod itself may take until it listens, in ms; at most half of the time for all attempts, so that
 * a port that stays closed is told as that. Without a probe a container is ready as soon as it
 * runs, and a process on loopback has no probe from outside: clients come before it listens.
 */
const STARTING = 3000;
/** Before its port is dialled again, in ms; each further pause is twice as long. */
const AGAIN = 50;

/**
 * Opens a WebSocket to one of a route's endpoints. One that cannot be reached, or is gone before it answers, is passed
 * over; a process of the pod itself that does not listen yet, and is the last resort, is waited for. Once a request has
 * been sent nothing is tried again, since the backend may have acted on it.
 */
export async function dial(balancer: Balancer, request: OutgoingRequest, options: DialOptions): Promise<DialOutcome> {
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  let overdue = false;
  const timer = options.clock.after(options.timeout, () => {
    overdue = true;
    abort();
  });
  options.signal.addEventListener("abort", abort, { once: true });
  if (options.signal.aborted) abort();
  const refused = (refusal: Refusal): DialOutcome => ({
    kind: "refused",
    refusal: overdue ? { reason: "BackendTimeout" } : refusal,
  });
  try {
    let attempts = 0;
    let cause = "";
    let starting: Target | undefined;
    /** Undefined where the next one may be tried. */
    const attempt = async (target: Target): Promise<DialOutcome | undefined> => {
      const release = target.enter();
      options.watch?.dials(target.endpoint);
      try {
        const socket = await connect(target, options, stop.signal);
        const outcome = await handshake(socket, target, request, release, stop.signal, options);
        return outcome.kind === "refused" ? refused(outcome.refusal) : outcome;
      } catch (error) {
        release();
        cause = dialFault(error, target.endpoint);
        if (error instanceof EndpointGone) return undefined;
        attempts += 1;
        if (stop.signal.aborted) return refused({ reason: "BackendUnreachable", cause });
        if (isOurShortage(error)) return refused({ reason: "Overloaded", retryAfter: 5, cause });
        if (error instanceof PortClosed) starting = target;
        target.refused();
        return undefined;
      }
    };
    for (const target of balancer.pick()) {
      const outcome = await attempt(target);
      if (outcome !== undefined) return outcome;
      if (attempts === MAX_ATTEMPTS) break;
    }
    if (starting !== undefined) {
      const longest = Math.min(STARTING, options.timeout / 2);
      for (let waited = 0, again = AGAIN; waited < longest && !options.stopping(); again *= 2) {
        const ms = Math.min(again, longest - waited);
        await pause(ms, options.clock, stop.signal);
        if (stop.signal.aborted) break;
        waited += ms;
        const outcome = await attempt(starting);
        if (outcome !== undefined) return outcome;
      }
    }
    if (attempts === 0) return refused({ reason: "NoEndpoints", retryAfter: 1 });
    return refused({ reason: "BackendUnreachable", cause });
  } finally {
    timer.cancel();
    options.signal.removeEventListener("abort", abort);
  }
}

/** No file descriptor is left: no endpoint is to blame, and none could be dialled now. */
function isOurShortage(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EMFILE" || code === "ENFILE";
}

/** Sends the request and waits for its answer; never rejects. */
function handshake(
  socket: Socket,
  target: Target,
  request: OutgoingRequest,
  release: () => void,
  signal: AbortSignal,
  { answers, watch }: DialOptions,
): Promise<DialOutcome> {
  const key = randomBytes(16).toString("base64");
  const stream = new AnswerStream(socket, MAX_BODY_ON_WIRE, answers);
  return new Promise((resolve) => {
    let settled = false;
    let answered = false;
    const settle = (outcome: DialOutcome): void => {
      if (settled) return;
      settled = true;
      signal.removeEventListener("abort", abort);
      if (outcome.kind !== "open") {
        stream.destroy();
        socket.destroy();
        release();
      }
      resolve(outcome);
    };
    const refuse = (refusal: Refusal): void => settle({ kind: "refused", refusal });
    const abort = (): void => refuse({ reason: "BackendUnreachable", cause: "aborted" });
    signal.addEventListener("abort", abort, { once: true });
    const outgoing = httpRequest({
      createConnection: () => stream,
      method: "GET",
      path: request.target,
      headers: requestHeaders(request, target, key).flat(),
      setHost: false,
      maxHeaderSize: MAX_HEAD,
      insecureHTTPParser: false,
    });
    outgoing.maxHeadersCount = 0;
    outgoing.on("error", (error: NodeJS.ErrnoException) => {
      if (answered) return;
      const malformed = error instanceof ExcessiveAnswer || error.code?.startsWith("HPE_") === true;
      refuse({ reason: malformed ? "BackendBadHandshake" : "BackendUnreachable", cause: error.message });
    });
    outgoing.on("close", () => {
      if (!answered) refuse({ reason: "BackendUnreachable", cause: "closed without an answer" });
    });
    const agreementOf = ({ statusCode: status = 0, httpVersion, rawHeaders }: IncomingMessage): Agreement => {
      const { protocols, extensions } = request;
      return checkResponse({ status, httpVersion, headers: fieldsOf(rawHeaders), key, protocols, extensions });
    };
    outgoing.on("upgrade", (response: IncomingMessage, _stream: Duplex, parsed: Buffer) => {
      watch?.answered(101);
      // Not read any further: what a backend says at once waits for the tunnel.
      const early = Buffer.concat([parsed, stream.detach()]);
      const agreement = agreementOf(response);
      if ("problem" in agreement) return refuse({ reason: "BackendBadHandshake", cause: agreement.problem });
      const forwarded = switchingFields(fieldsOf(response.rawHeaders));
      const endpoint = hostPort(target.endpoint.address, target.endpoint.port);
      settle({ kind: "open", backend: { socket, early, ...agreement, headers: forwarded, endpoint, release } });
    });
    outgoing.on("response", (response: IncomingMessage) => {
      answered = true;
      stream.answered();
      const { statusCode = 0 } = response;
      watch?.answered(statusCode);
      if (statusCode < 300 || statusCode > 599) {
        // Among them a 101 without Upgrade or Connection: upgrade, which the parser takes for a plain answer.
        const agreement = agreementOf(response);
        const cause = "problem" in agreement ? agreement.problem : `status ${statusCode}`;
        return refuse({ reason: "BackendBadHandshake", cause });
      }
      signal.removeEventListener("abort", abort); // the status is known: only the body can still be overdue
      void relayedAnswer(response, signal).then((answer) => settle({ kind: "relay", ...answer }));
    });
    outgoing.end();
    if (signal.aborted) abort();
  });
}
