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
  /** 0: one that is free. */
  readonly port: number;
  /** Which pod this is: the header `x-sample-backend` of every 101, and the first message at `/name`. */
  readonly name: string;
  /** Ends it gracefully when aborted. */
  readonly signal: AbortSignal;
  /** Where the page connects unless told otherwise; the only gateway whose refusals it can look up. */
  readonly gateway?: string;
  readonly clock?: Clock;
}

export interface SampleBackend {
  readonly address: string;
  readonly port: number;
  /** Says 1001 to every client and resolves when all are gone; also where the signal was what ended it. */
  close(): Promise<void>;
}

const GATEWAY = "ws://127.0.0.1:8080/chat";
/** How long clients may take to answer the Close at the end, in ms. */
const FAREWELL = 2000;
/** A message may be larger than the gateway's own default of 16 MiB, so that it is the gateway's limit that is seen. */
const LIMITS = {
  maxPayload: 64 * 1024 * 1024,
  maxFragments: 16_384,
  maxBufferedChunks: 65_536,
  /** For a client's answer to a Close, in ms. */
  closeTimeout: 5000,
};
/** What a gateway may forward of a client's head, and as much again of its own. */
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
  server.maxHeadersCount = 0; // the parser would leave headers out in silence, and `/headers` shows them all
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
