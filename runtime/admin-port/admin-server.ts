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
  /** Before the closed endpoints; absent: nothing passes. */
  readonly gate?: AdminGate;
  readonly clock?: Clock;
}

/** A port that cannot be had, in words for the person who chose it. */
export class PortUnavailable extends Error {}

/** Connections at the same time. */
const MAX_CONNECTIONS = 256;
/** For the head of a request, in ms. */
const HEAD_TIMEOUT = 10_000;
/** Requests of one connection that are not answered yet. Probes, scrapers and browsers send one after the other. */
const MAX_AHEAD = 8;
/** For a client to take an answer, in ms: one that reads slowly holds the whole of it. */
const ANSWER_TIMEOUT = 10_000;

/**
 * Serves the admin endpoints: GET and HEAD, nothing from the request but its path, its query and what the gate looks at.
 * Rejects with PortUnavailable.
 */
export async function adminServer(
  endpoints: AdminEndpoints,
  address: string,
  port: number,
  { gate = new AdminGate(), clock = systemClock }: AdminOptions = {},
): Promise<AdminServer> {
  // What a closed endpoint tells may be long: many that ask at once must not keep a probe waiting.
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
  // Least recently used first. Refusing new ones where there is no room would cut probes off.
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
      // Each of them would wait for those before it, thousands for one packet.
      const waiting = (unanswered.get(socket) ?? 0) + 1;
      unanswered.set(socket, waiting);
      response.once("close", () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
      if (waiting > MAX_AHEAD) socket.destroy();
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
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "EADDRINUSE" ? "is in use by another process" : `cannot be opened: ${message}`;
    throw new PortUnavailable(
      `admin port ${port} on ${address} ${why}; choose another with --admin-port, or 0 for none`,
    );
  }
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, contentType, body, headers }: AdminAnswer,
  clock: Clock,
): void {
  const late = clock.after(ANSWER_TIMEOUT, () => request.socket.destroy());
  response.once("close", () => late.cancel());
  // No endpoint reads a body, and the next request is not looked for behind one.
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
