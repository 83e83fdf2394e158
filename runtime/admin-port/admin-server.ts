import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { textAnswer, type AdminAnswer, type AdminEndpoints } from "./admin-endpoint.ts";
import { AdminGate } from "./admin-gate.ts";
import { systemClock, type Clock } from "../clock.ts";
import { listen } from "../listen.ts";
import { LoopShare } from "../loop/loop-share.ts";

export interface AdminServer {
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

export interface AdminOptions {
  /** Guards the closed endpoints; absent: they refuse every request. */
  readonly gate?: AdminGate;
  readonly clock?: Clock;
}

/** A port that cannot be opened; the message tells the user which option to change. */
export class PortUnavailable extends Error {}

/** Connections that may be open at the same time. */
const MAX_CONNECTIONS = 256;
/** How long the head of a request may take, in ms. */
const HEAD_TIMEOUT = 10_000;
/** Unanswered requests of one connection. Probes, scrapers and browsers wait for each answer before the next request. */
const MAX_UNANSWERED = 8;
/** How long a client may take to read an answer, in ms: the whole answer stays in memory meanwhile. */
const ANSWER_TIMEOUT = 10_000;

/**
 * Serves the admin endpoints. Answers GET and HEAD only, and uses nothing of a request but its path, its query and the
 * headers that the gate checks. Port 0: any free port. Rejects with PortUnavailable.
 */
export async function adminServer(
  endpoints: AdminEndpoints,
  address: string,
  port: number,
  { gate = new AdminGate(), clock = systemClock }: AdminOptions = {},
): Promise<AdminServer> {
  // An answer of a closed endpoint may be long: many requests at once must not keep a probe waiting.
  const turns = new LoopShare(clock);
  const inTurn = (make: () => AdminAnswer | Promise<AdminAnswer>): Promise<AdminAnswer> =>
    new Promise((done) => turns.next(() => done((async () => make())())));
  const answer = async (request: IncomingMessage): Promise<AdminAnswer> => {
    const [path, query] = partsOf(request.url ?? "");
    const endpoint = Object.hasOwn(endpoints, path) ? endpoints[path] : undefined;
    if (endpoint === undefined) return textAnswer(404, "not found");
    if (!isRead(request)) return textAnswer(405, "GET only", { allow: "GET, HEAD" });
    const refusal = endpoint.access === "Open" ? undefined : gate.refusal(request);
    if (refusal !== undefined) return refusal;
    try {
      const make = (): AdminAnswer | Promise<AdminAnswer> => endpoint.answer(new URLSearchParams(query));
      return await (endpoint.access === "Open" ? make() : inTurn(make));
    } catch {
      return textAnswer(500, "internal fault");
    }
  };
  // Least recently used first. When there is no room the oldest connection is closed: refusing a new one could hit a
  // probe.
  const sockets = new Set<Socket>();
  const used = (socket: Socket): void => {
    sockets.delete(socket);
    if (!socket.destroyed) sockets.add(socket);
    const [oldest] = sockets;
    if (sockets.size > MAX_CONNECTIONS) oldest?.destroy();
  };
  const unanswered = new WeakMap<Socket, number>();
  const server = createServer(
    {
      maxHeaderSize: 8192,
      requestTimeout: HEAD_TIMEOUT,
      headersTimeout: HEAD_TIMEOUT,
      connectionsCheckingInterval: HEAD_TIMEOUT / 10,
    },
    (request, response) => {
      const { socket } = request;
      used(socket);
      request.resume();
      // HTTP pipelining: each request waits for the one before it, and one packet can hold thousands.
      const waiting = (unanswered.get(socket) ?? 0) + 1;
      unanswered.set(socket, waiting);
      response.once("close", () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
      if (waiting > MAX_UNANSWERED) socket.destroy();
      if (socket.destroyed) return;
      void answer(request).then((it) => send(request, response, it, clock));
    },
  );
  server.on("connection", (socket: Socket) => {
    socket.once("close", () => sockets.delete(socket));
    used(socket);
  });
  try {
    const bound = await listen(server, { host: address, port });
    return {
      address: bound.address,
      port: bound.port,
      close: () =>
        new Promise((closed) => {
          server.close(() => closed());
          server.closeAllConnections();
        }),
    };
  } catch (error) {
    throw portUnavailable("admin", address, port, error);
  }
}

/** The words for a port that could not be opened with the options --<name>-address and --<name>-port. */
export function portUnavailable(name: string, address: string, port: number, error: unknown): PortUnavailable {
  const { code, message } = error as NodeJS.ErrnoException;
  const why = code === "EADDRINUSE" ? "is in use by another process" : `cannot be opened: ${message}`;
  return new PortUnavailable(
    `${name} port ${port} on ${address} ${why}; choose another with --${name}-port, or 0 for none`,
  );
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, contentType, body, headers }: AdminAnswer,
  clock: Clock,
): void {
  const overdue = clock.after(ANSWER_TIMEOUT, () => request.socket.destroy());
  response.once("close", () => overdue.cancel());
  // No endpoint reads a body: the connection closes after this answer, so that the body is not taken for a request.
  const last = !isRead(request) || hasBody(request);
  if (last) response.once("finish", () => request.socket.destroySoon());
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...(last ? { connection: "close" } : {}),
    ...headers,
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

/** Path and query of a request's target. */
function partsOf(target: string): readonly [path: string, query: string] {
  const mark = target.indexOf("?");
  return mark === -1 ? [target, ""] : [target.slice(0, mark), target.slice(mark + 1)];
}

function isRead({ method }: IncomingMessage): boolean {
  return method === "GET" || method === "HEAD";
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}
