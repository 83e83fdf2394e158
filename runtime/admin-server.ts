import { createServer } from "node:http";
import type { Socket } from "node:net";
import { listen } from "./listen.ts";

export interface AdminAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Path → answer. */
export type AdminHandlers = Readonly<Record<string, () => AdminAnswer | Promise<AdminAnswer>>>;

export interface AdminServer {
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

/** A port that cannot be had, in words for the person who chose it. */
export class PortUnavailable extends Error {}

/** Connections at the same time. */
const MAX_CONNECTIONS = 256;
/** For the head of a request, in ms. */
const HEAD_TIMEOUT = 10_000;

const text = (status: number, body: string): AdminAnswer => ({
  status,
  contentType: "text/plain; charset=utf-8",
  body: `${body}\n`,
});

/** Serves the admin endpoints: GET and HEAD, nothing from the request but its path. Rejects with PortUnavailable. */
export async function adminServer(handlers: AdminHandlers, address: string, port: number): Promise<AdminServer> {
  const answer = async (method: string, path: string): Promise<AdminAnswer> => {
    if (!Object.hasOwn(handlers, path)) return text(404, "not found");
    if (method !== "GET" && method !== "HEAD") return text(405, "GET only");
    try {
      return (await handlers[path]?.()) ?? text(404, "not found");
    } catch {
      return text(500, "internal fault");
    }
  };
  // Least recently used first. Refusing new ones where there is no room would cut off whoever probes whether we live.
  const sockets = new Set<Socket>();
  const used = (socket: Socket): void => {
    sockets.delete(socket);
    if (!socket.destroyed) sockets.add(socket);
    const [oldest] = sockets;
    if (sockets.size > MAX_CONNECTIONS) oldest?.destroy();
  };
  const server = createServer(
    {
      maxHeaderSize: 8192,
      requestTimeout: HEAD_TIMEOUT,
      headersTimeout: HEAD_TIMEOUT,
      connectionsCheckingInterval: HEAD_TIMEOUT / 10,
    },
    (request, response) => {
      used(request.socket);
      const [path = ""] = (request.url ?? "").split("?", 1);
      request.resume();
      void answer(request.method ?? "", path).then(({ status, contentType, body }) => {
        response.writeHead(status, {
          "content-type": contentType,
          "content-length": Buffer.byteLength(body),
          "cache-control": "no-store",
          "x-content-type-options": "nosniff",
          ...(status === 405 ? { allow: "GET, HEAD" } : {}),
        });
        response.end(request.method === "HEAD" ? undefined : body);
      });
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
