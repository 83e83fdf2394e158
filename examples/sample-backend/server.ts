import { createServer } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { WebSocketServer } from "ws";
import { PortUnavailable } from "../../runtime/admin-port/admin-server.ts";
import { systemClock, type Clock } from "../../runtime/clock.ts";
import { listen } from "../../runtime/listen.ts";
import { converse } from "./conversation.ts";
import { loadPage } from "./page.ts";
import { Probe } from "./probe.ts";

export interface SampleBackendOptions {
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  /** Name of the pod: the header `x-sample-backend` of every 101, and the first message at `/name`. */
  readonly name: string;
  /** Stops the backend gracefully when it aborts. */
  readonly signal: AbortSignal;
  /** URL where the page connects at first. The backend can look up refusals of this gateway only. */
  readonly gateway?: string;
  readonly clock?: Clock;
}

export interface SampleBackend {
  readonly address: string;
  readonly port: number;
  /** Closes every client with 1001 and resolves when all are gone. May be called after the signal aborted, and twice. */
  close(): Promise<void>;
}

const GATEWAY = "ws://127.0.0.1:8080/chat";
/** How long clients may take to answer the Close at the end, in ms. */
const FAREWELL = 2000;
/**
 * Messages may be larger than the gateway's default of 16 MiB, so that users see the limit of the gateway, not of the
 * backend.
 */
const LIMITS = {
  maxPayload: 64 * 1024 * 1024,
  maxFragments: 16_384,
  maxBufferedChunks: 65_536,
  /** How long a client may take to answer a Close, in ms. */
  closeTimeout: 5000,
};
/** Bytes of a request head: a gateway forwards up to 16 KiB of the client's and may add as much. */
const MAX_HEAD = 32_768;

/** Starts the backend of the examples: WebSockets on every path, and a page for browsers at `/`. Rejects with PortUnavailable. */
export async function startSampleBackend(options: SampleBackendOptions): Promise<SampleBackend> {
  const { name, signal, clock = systemClock } = options;
  if (!/^[\x21-\x7e]{1,253}$/.test(name)) throw new TypeError("name must be 1 to 253 visible ASCII characters");
  const stopping = new AbortController();
  const probe = new Probe(options.gateway ?? GATEWAY, clock, stopping.signal);
  const server = createServer(
    { maxHeaderSize: MAX_HEAD, headersTimeout: 10_000, requestTimeout: 10_000, keepAlive: true },
    await loadPage(name, probe),
  );
  server.maxConnections = 20_000;
  server.maxHeadersCount = 0; // by default Node drops headers above 2,000 without an error, and `/headers` must show all
  const sockets = new WebSocketServer({
    noServer: true,
    ...LIMITS,
    perMessageDeflate: { concurrencyLimit: 4 },
    handleProtocols: (offered) => [...offered][0] ?? false,
  });
  sockets.on("headers", (lines) => lines.push(`x-sample-backend: ${name}`));
  server.on("upgrade", (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (client) => converse(client, request, name, clock));
  });
  const { address, port } = await open(server, options);

  const stop = async (): Promise<void> => {
    stopping.abort();
    const gone = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    for (const client of sockets.clients) client.close(1001, "the sample backend is stopping");
    const patience = clock.after(FAREWELL, () => sockets.clients.forEach((client) => client.terminate()));
    await gone;
    patience.cancel();
  };
  let stopped: Promise<void> | undefined;
  const close = (): Promise<void> => (stopped ??= stop());
  if (signal.aborted) await close();
  else signal.addEventListener("abort", () => void close(), { once: true });
  return { address, port, close };
}

async function open(server: Server, { address, port }: SampleBackendOptions): Promise<AddressInfo> {
  try {
    return await listen(server, { host: address, port, backlog: 4096 });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "EADDRINUSE" ? "is in use by another process" : `cannot be opened: ${message}`;
    throw new PortUnavailable(`port ${port} on ${address} ${why}; choose another with --port`);
  }
}
