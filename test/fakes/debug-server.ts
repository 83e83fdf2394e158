import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { CloseAnswer, SessionPage } from "../../api/admin-pages.ts";
import type { DebugEvent, DebugEventName } from "../../api/debug.ts";
import { pageEndpoints } from "../../cli/page/page-endpoints.ts";
import type { AdminAnswer } from "../../runtime/admin-port/admin-endpoint.ts";
import { AdminGate } from "../../runtime/admin-port/admin-gate.ts";
import { AdminPaths } from "../../runtime/admin-port/admin-paths.ts";
import { answerOf } from "./admin-client.ts";

export type FakeSession = SessionPage["sessions"][number] & { pod?: string };
type Loose = Readonly<Record<string, unknown>>;

/**
 * What an admin port says to the debug page, without a gateway behind it: the files of the page, and answers and streams in
 * the words of `api/debug.ts` and `api/admin-pages.ts` that a test makes up.
 */
export class DebugServer {
  readonly token = "a-token-of-enough-characters";
  readonly sessions = new Map<string, FakeSession>();
  readonly closes: { id: string; reason: string }[] = [];
  /** Targets of the streams of frames that were asked for. */
  readonly traces: string[] = [];
  /** Pods that gave no answer, in the list of sessions, the config and the ends of sessions. */
  failures: readonly { pod: string; message: string }[] = [];
  /** undefined: no pod answers. */
  config: object | undefined = { proxies: [{ proxy: "demo/chat", hash: "h", generation: 7 }], more: 0 };
  metrics: string | undefined = "";
  watching: Partial<DebugEvent<"watching">> = {};
  /** Instead of a stream of events. */
  refusal: AdminAnswer | undefined;
  /** Told right after `watching`. */
  past: Loose[] = [];
  readonly #server: Server;
  readonly #page: AdminPaths;
  readonly #gate = new AdminGate(() => (this.refused += 1));
  readonly #watchers = new Set<ServerResponse>();
  readonly #tracers = new Set<ServerResponse>();
  readonly #sockets = new Set<Socket>();
  #named = 0;
  /** Requests so far. */
  requests = 0;
  /** Of them those that the gate refused. */
  refused = 0;

  private constructor(page: AdminPaths) {
    this.#page = page;
    this.#gate.use(this.token);
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  static async start(port = 0): Promise<DebugServer> {
    const it = new DebugServer(new AdminPaths(await pageEndpoints()));
    await new Promise<void>((opened) => it.#server.listen(port, "127.0.0.1", opened));
    return it;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The link that a person opens. */
  get link(): string {
    return `${this.url}/debug#token=${this.token}`;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Streams of frames. */
  get tracers(): number {
    return this.#tracers.size;
  }

  /** A session in the list. */
  open(id: string, more: Partial<FakeSession> = {}): FakeSession {
    const none = { fromClient: 0, fromBackend: 0 };
    const common = { proxy: "demo/chat", route: "chat", address: "192.0.2.1", since: new Date().toISOString() };
    const session = { id, ...common, messages: none, bytes: none, ...more };
    this.sessions.set(id, session);
    return session;
  }

  /** An event to every watcher; `pods` and `trouble` are those of `wsproxy debug`. */
  emit(name: DebugEventName | "pods" | "trouble", fields: Loose): void {
    const at = new Date().toISOString();
    this.write(
      eventOf(name, { at, ...(name.startsWith("f") || name === "leftOut" ? {} : { proxy: "demo/chat" }), ...fields }),
    );
  }

  /** A handshake that was refused, or, with `session`, accepted. */
  handshake(fields: Loose = {}): void {
    this.emit("handshake", this.handshakeFields(fields));
  }

  handshakeFields(fields: Loose = {}): Loose {
    this.#named += 1;
    const refused = fields["session"] === undefined;
    return {
      at: new Date().toISOString(),
      proxy: "demo/chat",
      route: "chat",
      requestId: `request-${this.#named}`,
      address: "192.0.2.1",
      host: "chat.example.com",
      path: "/chat",
      status: refused ? 401 : 101,
      reason: refused ? "CredentialMissing" : "Accepted",
      ...(refused ? { policy: "authentication" } : { endpoint: "10.0.0.7:9000", dialMillis: 0.8, backendStatus: 101 }),
      steps: [],
      ...fields,
    };
  }

  /** Bytes of the stream as they are. */
  write(text: string): void {
    for (const response of text.startsWith("event: frame") || text.startsWith("event: leftOut")
      ? this.#tracers
      : this.#watchers)
      response.write(text);
  }

  endStreams(): void {
    for (const response of [...this.#watchers, ...this.#tracers]) response.end();
  }

  async close(): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests += 1;
    const { pathname, searchParams } = new URL(request.url ?? "/", this.url);
    const streams = pathname === "/debug/events" || pathname === "/debug/frames";
    const file = streams ? undefined : this.#page.find(pathname);
    if (file !== undefined) return send(response, await answerOf(file.endpoint, "", file.segment));
    if (pathname === "/metrics" && this.metrics !== undefined) return send(response, plain(200, this.metrics));
    const refusal = this.#gate.refusal(request);
    if (refusal !== undefined) return send(response, refusal);
    const [, id] = /^\/sessions\/([^/]+)\/close$/.exec(pathname) ?? [];
    if (id !== undefined && request.method === "POST") {
      return send(response, json(this.#closeSession(decodeURIComponent(id), searchParams.get("reason") ?? "")));
    }
    if (pathname === "/sessions") return send(response, json(this.#pageOf(searchParams)));
    if (pathname === "/config") return send(response, this.#configAnswer());
    if (pathname === "/debug/events") return this.#watch(response);
    if (pathname === "/debug/frames") return this.#trace(request, response);
    return send(response, plain(404, "not found\n"));
  }

  #configAnswer(): AdminAnswer {
    if (this.config === undefined) return plain(502, "no pod answers\n");
    return json({ ...this.config, failures: this.failures });
  }

  #closeSession(id: string, reason: string): CloseAnswer & { failures: DebugServer["failures"] } {
    this.closes.push({ id, reason });
    const session = this.sessions.get(id);
    this.sessions.delete(id);
    if (session !== undefined) {
      const { client, route, address, messages, bytes, since } = session;
      const duration = (Date.now() - Date.parse(since)) / 1000;
      const end = { code: 1008, reason: "EndedByOperator", by: "gateway", duration };
      this.emit("closed", { session: id, client, route, address, messages, bytes, ...end });
    }
    const note = "The client may connect again; `deny` keeps it out.";
    return { closed: session === undefined ? 0 : 1, note, failures: this.failures };
  }

  #pageOf(query: URLSearchParams): SessionPage & { failures: DebugServer["failures"] } {
    const [limit, after] = [Number(query.get("limit") ?? 100), query.get("after") ?? ""];
    const rest = [...this.sessions.values()].sort((a, b) => (a.id < b.id ? -1 : 1)).filter(({ id }) => id > after);
    const sessions = rest.slice(0, limit);
    return { sessions, failures: this.failures, ...(rest.length > limit ? { next: sessions.at(-1)?.id } : {}) };
  }

  #watch(response: ServerResponse): void {
    if (this.refusal !== undefined) return send(response, this.refusal);
    stream(response, this.#watchers);
    const at = new Date().toISOString();
    response.write(eventOf("watching", { at, proxies: ["demo/chat"], payload: false, ...this.watching }));
    for (const fields of this.past)
      response.write(eventOf("handshake", { ...this.handshakeFields(fields), past: true }));
  }

  #trace(request: IncomingMessage, response: ServerResponse): void {
    this.traces.push(request.url ?? "");
    stream(response, this.#tracers);
    response.write(eventOf("watching", { at: new Date().toISOString(), proxies: ["demo/chat"], payload: false }));
  }
}

function eventOf(name: string, fields: Loose): string {
  return `event: ${name}\ndata: ${JSON.stringify(fields)}\n\n`;
}

function stream(response: ServerResponse, open: Set<ServerResponse>): void {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" });
  open.add(response);
  response.once("close", () => open.delete(response));
}

function plain(status: number, body: string): AdminAnswer {
  return { status, contentType: "text/plain; charset=utf-8", body };
}

function json(body: object): AdminAnswer {
  return { status: 200, contentType: "application/json; charset=utf-8", body: JSON.stringify(body) };
}

function send(response: ServerResponse, { status, contentType, body, headers }: AdminAnswer): void {
  const fixed = { "content-type": contentType, "x-content-type-options": "nosniff", "cache-control": "no-store" };
  response.writeHead(status, { ...fixed, ...headers });
  response.end(body);
}
