import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Clock } from "../clock.ts";

/** How long a client may take to read an answer, in ms: the whole answer stays in memory meanwhile. */
const ANSWER_TIMEOUT = 10_000;

/** Writes the head of an answer. No proxy or browser keeps the answer, or takes it for another type than it says. */
export function writeAnswerHead(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
): void {
  // No endpoint reads a body: the connection closes after this answer, so that the body is not taken for a request.
  const last = !isRead(request) || hasBody(request);
  if (last) response.once("finish", () => request.socket.destroySoon());
  response.writeHead(status, {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...(last ? { connection: "close" } : {}),
    ...headers,
  });
}

/** From now on the client has ten seconds to take what is left of its answer; then its connection is closed. */
export function boundTime(request: IncomingMessage, response: ServerResponse, clock: Clock): void {
  const overdue = clock.after(ANSWER_TIMEOUT, () => request.socket.destroy());
  response.once("close", () => overdue.cancel());
}

/** Does the request only read? */
export function isRead({ method }: IncomingMessage): boolean {
  return method === "GET" || method === "HEAD";
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}
