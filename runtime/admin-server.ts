import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

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

const text = (status: number, body: string): AdminAnswer => ({
  status,
  contentType: "text/plain; charset=utf-8",
  body: `${body}\n`,
});

/** Serves the admin endpoints: GET and HEAD, nothing from the request but its path. Rejects with PortUnavailable. */
export function adminServer(handlers: AdminHandlers, address: string, port: number): Promise<AdminServer> {
  const answer = async (method: string, path: string): Promise<AdminAnswer> => {
    if (!Object.hasOwn(handlers, path)) return text(404, "not found");
    if (method !== "GET" && method !== "HEAD") return text(405, "GET only");
    try {
      return (await handlers[path]?.()) ?? text(404, "not found");
    } catch {
      return text(500, "internal fault");
    }
  };
  const server = createServer(
    { maxHeaderSize: 8192, requestTimeout: 10_000, headersTimeout: 10_000 },
    (request, response) => {
      const path = (request.url ?? "").replace(/\?.*$/s, "");
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
  server.maxConnections = 256;
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why = error.code === "EADDRINUSE" ? "is in use by another process" : `cannot be opened: ${error.message}`;
      reject(
        new PortUnavailable(`admin port ${port} on ${address} ${why}; choose another with --admin-port, or 0 for none`),
      );
    });
    server.listen({ host: address, port }, () => {
      const bound = server.address() as AddressInfo;
      server.on("error", () => {});
      resolve({
        address: bound.address,
        port: bound.port,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
}
