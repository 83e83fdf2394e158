import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import type { HeaderField } from "../http/header-fields.ts";
import { REJECTIONS, statusOf, type Refusal } from "../rejection.ts";

/** How long a refused client may take to read its answer and to close; then the socket is destroyed. */
const LINGER = 500;

/** What an answer says beside the refusal itself. */
export interface Answer {
  readonly requestId: string;
  /** WWW-Authenticate of the route, for 401. */
  readonly challenge: string;
  /** The request was HEAD: the answer has no body (RFC 9110 §9.3.2). */
  readonly bodiless: boolean;
}

/** Sends a refusal as `application/problem+json` (RFC 9457), in which nothing comes from the client but its request id, and closes. */
export function refuse(socket: Socket, refusal: Refusal, answer: Answer, clock: Clock): void {
  const status = statusOf(refusal);
  const body = JSON.stringify({
    type: `https://wsproxy.dev/problems/${refusal.reason}`,
    title: STATUS_CODES[status],
    status,
    reason: refusal.reason,
    detail: REJECTIONS[refusal.reason].detail,
    requestId: answer.requestId,
  });
  const headers: HeaderField[] = [
    ["content-type", "application/problem+json"],
    ["cache-control", "no-store"],
  ];
  if (refusal.retryAfter !== undefined || status === 429 || status === 503)
    headers.push(["retry-after", String(refusal.retryAfter ?? 1)]);
  if (status === 401) headers.push(["www-authenticate", challengeFor(refusal, answer.challenge)]);
  if (status === 405) headers.push(["allow", "GET"]);
  if (status === 426) headers.push(["upgrade", "websocket"], ["sec-websocket-version", "13"]);
  respond(socket, status, STATUS_CODES[status] ?? "", headers, answer.bodiless ? undefined : Buffer.from(body), clock);
}

/** RFC 6750 §3.1: a token that was offered and is not good is an `invalid_token`; with none offered no error is named. */
function challengeFor(refusal: Refusal, challenge: string): string {
  const offered = refusal.reason !== "CredentialMissing";
  return offered && challenge.startsWith("Bearer") ? `${challenge}, error="invalid_token"` : challenge;
}

/** Writes a final answer and closes the socket; it reads on for a moment, so that no reset overtakes the answer. */
export function respond(
  socket: Socket,
  status: number,
  statusText: string,
  headers: readonly HeaderField[],
  body: Buffer | undefined,
  clock: Clock,
): void {
  if (socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const lines = [
    `HTTP/1.1 ${status} ${statusText}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined ? [] : [`content-length: ${body.length}`]),
    "Connection: close",
  ];
  socket.end(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body ?? Buffer.alloc(0)]));
  socket.resume();
  const timer = clock.after(LINGER, () => socket.destroy());
  socket.once("close", () => timer.cancel());
  socket.once("end", () => {
    // A client that sends no more may still be reading the answer.
    if (socket.writableFinished) socket.destroy();
    else socket.once("finish", () => socket.destroy());
  });
}
