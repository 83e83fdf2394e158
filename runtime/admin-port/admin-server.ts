import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { AdminConnections } from "./admin-connections.ts";
import { isStream, textAnswer, type AdminAnswer, type AdminEndpoint, type AdminEndpoints } from "./admin-endpoint.ts";
import { AdminGate } from "./admin-gate.ts";
import { AdminPaths, type Found } from "./admin-paths.ts";
import { AdminStreams } from "./admin-streams.ts";
import { boundTime, isRead, writeAnswerHead } from "./answer-head.ts";
import { systemClock, type Clock } from "../clock.ts";
import { listen } from "../listen.ts";
import { LoopShare } from "../loop/loop-share.ts";

export interface AdminServer {
  readonly address: string;
  readonly port: number;
  /** Takes no more requests and ends the streams in order; what is under way has a second to reach its client. */
  close(): Promise<void>;
}

export interface AdminOptions {
  /** Guards the closed endpoints; absent: they refuse every request. */
  readonly gate?: AdminGate;
  readonly clock?: Clock;
}

type Answered = ReturnType<AdminEndpoint["answer"]>;

/** A port that cannot be opened; the message tells the user which option to change. */
export class PortUnavailable extends Error {}

/** How long the head of a request may take, in ms. */
const HEAD_TIMEOUT = 10_000;
/** For the answers that are under way when the port closes, in ms. */
const LAST_ANSWERS = 1000;
/** When TCP asks whether the client is still there, in ms: one whose machine is gone never says that it leaves. */
const PROBE = 30_000;

/**
 * Serves the admin endpoints. Uses nothing of a request but its method, its path, its query and the headers that the
 * gate checks. Port 0: any free port. Rejects with PortUnavailable.
 */
export async function adminServer(
  endpoints: AdminEndpoints,
  address: string,
  port: number,
  { gate = new AdminGate(), clock = systemClock }: AdminOptions = {},
): Promise<AdminServer> {
  // An answer of a closed endpoint may be long: many requests at once must not keep a probe waiting.
  const turns = new LoopShare(clock);
  const inTurn = (make: () => Answered): Promise<Awaited<Answered>> =>
    new Promise((done) => turns.next(() => done((async () => make())())));
  const answer = async (
    found: Found | undefined,
    request: IncomingMessage,
    query: string,
    gone: AbortSignal,
  ): Promise<Awaited<Answered>> => {
    if (found === undefined) return textAnswer(404, "not found");
    const { endpoint, segment } = found;
    const wrong = wrongMethod(endpoint, request);
    if (wrong !== undefined) return wrong;
    const refusal = endpoint.access === "Open" ? undefined : gate.refusal(request);
    if (refusal !== undefined) return refusal;
    const client = { address: request.socket.remoteAddress ?? "", gone };
    try {
      const make = (): Answered => endpoint.answer(new URLSearchParams(query), client, segment);
      return await (endpoint.access === "Open" ? make() : inTurn(make));
    } catch {
      return textAnswer(500, "internal fault");
    }
  };
  const paths = new AdminPaths(endpoints);
  const connections = new AdminConnections();
  const streams = new AdminStreams(clock);
  const server = createServer(
    {
      keepAlive: true,
      keepAliveInitialDelay: PROBE,
      maxHeaderSize: 8192,
      requestTimeout: HEAD_TIMEOUT,
      headersTimeout: HEAD_TIMEOUT,
      connectionsCheckingInterval: HEAD_TIMEOUT / 10,
    },
    (request, response) => {
      request.resume();
      const [path, query] = partsOf(request.url ?? "");
      const found = paths.find(path);
      const asked = connections.asked(request.socket, response, found?.endpoint.waits === true);
      if (asked === undefined) return;
      void answer(found, request, query, asked.gone).then((it) => {
        if (isStream(it) && !asked.gone.aborted) return streams.send(request, response, it, asked);
        asked.made();
        if (!isStream(it) && !asked.gone.aborted) send(request, response, it, clock);
      });
    },
  );
  server.on("connection", (socket: Socket) => connections.opened(socket));
  try {
    const bound = await listen(server, { host: address, port });
    return {
      address: bound.address,
      port: bound.port,
      async close() {
        const closed = new Promise((done) => server.close(done));
        streams.end();
        await connections.answered(LAST_ANSWERS);
        server.closeAllConnections();
        await closed;
      },
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
  boundTime(request, response, clock);
  writeAnswerHead(request, response, status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(body),
    ...headers,
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

/** Path and query of a request's target. */
function partsOf(target: string): readonly [path: string, query: string] {
  const mark = target.indexOf("?");
  return mark === -1 ? [target, ""] : [target.slice(0, mark), target.slice(mark + 1)];
}

function wrongMethod(endpoint: AdminEndpoint, request: IncomingMessage): AdminAnswer | undefined {
  if (endpoint.method === "POST")
    return request.method === "POST" ? undefined : textAnswer(405, "POST only", { allow: "POST" });
  return isRead(request) ? undefined : textAnswer(405, "GET only", { allow: "GET, HEAD" });
}
