import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { isIP } from "node:net";

/** A request that a fake admin port got. */
export interface AdminCall {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
}

export interface FakeSession {
  readonly id: string;
  readonly route: string;
  readonly client?: string;
  readonly address?: string;
  messages?: number;
}

const NOTE = "the client may connect again; deny keeps it out";

/** The admin port of a data plane that follows a script: `/sessions`, the ends of sessions, and a stream. */
export class FakeAdminProcess {
  readonly calls: AdminCall[] = [];
  sessions: FakeSession[];
  token = "the-token";
  /** Sessions of a page at most. */
  page = 1000;
  /** An earlier version: it has no endpoints to close sessions, and no stream. */
  old = false;
  /** Answers in place of the usual ones. */
  answer: ((call: AdminCall, response: ServerResponse) => boolean) | undefined;
  /** Streams that are open now. */
  readonly streams = new Set<ServerResponse>();
  readonly #server = createServer((request, response) => this.#serve(request, response));

  private constructor(sessions: readonly FakeSession[]) {
    this.sessions = [...sessions];
  }

  static async start(sessions: readonly FakeSession[] = []): Promise<FakeAdminProcess> {
    const process = new FakeAdminProcess(sessions);
    process.#server.listen(0, "127.0.0.1");
    await once(process.#server, "listening");
    onTestFinished(() => process.stop());
    return process;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Sends an event to every open stream. */
  tell(name: string, data: object): void {
    for (const stream of this.streams) stream.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const call = { method: request.method ?? "", path: url.pathname, query: Object.fromEntries(url.searchParams) };
    const host = (request.headers.host ?? "").replace(/:\d+$/, "");
    if (isIP(host) === 0) return text(response, 421, "asked by a name");
    if (request.headers.authorization !== `Bearer ${this.token}`) return text(response, 401, "no token");
    this.calls.push(call);
    if (this.answer?.(call, response) === true) return;
    if (call.method === "GET" && call.path === "/sessions") return json(response, this.#page(call.query));
    if (!this.old && call.path.startsWith("/debug/")) return this.#stream(response);
    if (!this.old && call.method === "POST") return this.#close(call, response);
    text(response, 404, "not found");
  }

  #page({ after = "", limit = "100", ...filter }: Readonly<Record<string, string>>): object {
    const all = this.sessions.filter((one) => matches(one, filter)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const rest = all.filter(({ id }) => id > after);
    const listed = rest.slice(0, Math.min(Number(limit), this.page));
    return {
      sessions: listed.map(({ messages = 0, address = "192.0.2.7", ...session }) => ({
        proxy: "demo/chat",
        ...session,
        address,
        since: "2026-01-01T00:00:00.000Z",
        messages: { fromClient: messages, fromBackend: 2 * messages },
        bytes: { fromClient: 100 * messages, fromBackend: 2000 * messages },
        aNewerField: true,
      })),
      ...(listed.length < rest.length ? { next: listed.at(-1)?.id } : {}),
    };
  }

  #close({ path, query: { reason: _reason, ...filter } }: AdminCall, response: ServerResponse): void {
    const id = /^\/sessions\/([^/]+)\/close$/.exec(path)?.[1];
    const ends = (one: FakeSession): boolean => (id === undefined ? matches(one, filter) : one.id === id);
    const before = this.sessions.length;
    this.sessions = this.sessions.filter((one) => !ends(one));
    const closed = before - this.sessions.length;
    if (id !== undefined && closed === 0) return text(response, 404, "no session of this id is open");
    json(response, { closed, note: NOTE });
  }

  #stream(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    this.streams.add(response);
    response.on("close", () => this.streams.delete(response));
  }
}

function matches(session: FakeSession, filter: Readonly<Record<string, string>>): boolean {
  const { client, route, address = "192.0.2.7" } = session;
  const fields: Readonly<Record<string, string | undefined>> = { client, route, address };
  return Object.entries(filter).every(([name, value]) => fields[name] === value);
}

function json(response: ServerResponse, body: object): void {
  response.writeHead(200, { "content-type": "application/json; charset=utf-8" }).end(`${JSON.stringify(body)}\n`);
}

function text(response: ServerResponse, status: number, sentence: string): void {
  response.writeHead(status, { "content-type": "text/plain" }).end(`${sentence}\n`);
}
