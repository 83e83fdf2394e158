import { KubeConfig } from "@kubernetes/client-node";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { kindOf, pathOf } from "../../operator/kube/kinds.ts";
import type { ApiCall } from "./api-call.ts";
import { ApiStore, parsePath, Refused, type ApiObject } from "./api-server-store.ts";
import { OpenWatch } from "./api-server-watch.ts";

/** What the fake does to a call instead of answering it, or before or after. */
export type Fault =
  | {
      readonly status: number;
      readonly reason?: string;
      readonly headers?: Record<string, string>;
      readonly body?: string;
    }
  /** Waits, then executes the call. */
  | { readonly hold: Promise<void> }
  /** The connection breaks; with `answer lost` only after the call took effect. */
  | "reset"
  | "answer lost"
  /** No answer ever comes. */
  | "silence";

interface Rule {
  readonly matches: (call: ApiCall) => boolean;
  readonly fault: Fault;
  left: number;
}

/** An API server that follows a script: real HTTP, no validation, no defaults, a simple apply. */
export class FakeApiServer {
  readonly store: ApiStore;
  /** Every call, in order. */
  readonly calls: ApiCall[] = [];
  /** Watches that are open now. */
  readonly watches: OpenWatch[] = [];
  /** How a watch from a version that is too old is refused. */
  gone: "status" | "event" = "status";
  /** Takes the upgrades of connections; without it they are refused. */
  upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void = (_request, socket) => socket.destroy();
  /** Number of connections since the start. */
  connections = 0;
  readonly #sockets = new Set<Socket>();
  #rules: Rule[] = [];
  #server: Server;
  #port = 0;

  private constructor(admit: (object: ApiObject) => ApiObject) {
    this.store = new ApiStore(admit);
    this.#server = this.#make();
  }

  /** `admit` stands for defaults and webhooks: it gets every object that is written. The server ends with the test. */
  static async start(admit: (object: ApiObject) => ApiObject = (object) => object): Promise<FakeApiServer> {
    const server = new FakeApiServer(admit);
    await server.up();
    onTestFinished(() => server.down());
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  /** Calls other than GET. */
  get writes(): readonly ApiCall[] {
    return this.calls.filter(({ method }) => method !== "GET");
  }

  kubeConfig(user: Record<string, unknown> = {}): KubeConfig {
    return kubeConfigFor(this.url, user);
  }

  /** Makes or replaces an object, as another client would. */
  put(object: ApiObject): ApiObject {
    return this.store.write(pathOfObject(object), object);
  }

  get(kind: string, namespace: string, name: string): ApiObject | undefined {
    return this.store.read(pathOf(kindOf(kind), namespace, name));
  }

  delete(kind: string, namespace: string, name: string): void {
    this.store.remove(pathOf(kindOf(kind), namespace, name));
  }

  /** The next `times` calls that match get this fault. A text matches the start of `METHOD path`. */
  fail(which: string | ((call: ApiCall) => boolean), fault: Fault, times = 1): void {
    const matches =
      typeof which === "string" ? (call: ApiCall) => `${call.method} ${call.path}`.startsWith(which) : which;
    this.#rules.push({ matches, fault, left: times });
  }

  /** Drops the scripted faults that have not happened yet. */
  heal(): void {
    this.#rules = [];
  }

  /** Stops listening and breaks every connection. */
  async down(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }

  /** Listens, on the same port as before. */
  async up(): Promise<void> {
    this.#server = this.#make();
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  #make(): Server {
    const server = createServer(
      { keepAliveTimeout: 60_000 },
      (request, response) => void this.#serve(request, response),
    );
    server.on("upgrade", (request, socket, head) => this.upgrade(request, socket, head));
    return server.on("connection", (socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const sent = await text(request).catch(() => undefined);
    if (sent === undefined) return;
    const url = new URL(request.url ?? "/", this.url);
    const call: ApiCall = {
      method: request.method ?? "",
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
      body: sent === "" ? undefined : JSON.parse(sent),
    };
    this.calls.push(call);
    const fault = this.#faultFor(call);
    if (fault === "silence") return;
    if (fault === "reset") return void request.socket.resetAndDestroy();
    if (typeof fault === "object" && "hold" in fault) await fault.hold;
    if (typeof fault === "object" && "status" in fault) {
      const { status, reason = "Scripted", headers = {}, body = refusal(status, reason, "as the script says") } = fault;
      return void response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
    }
    if (call.method === "GET" && call.query["watch"] === "true") return this.#watch(call, response);
    const { status, body } = this.#answer(call);
    if (fault === "answer lost") return void request.socket.resetAndDestroy();
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  }

  #faultFor(call: ApiCall): Fault | undefined {
    const rule = this.#rules.find(({ left, matches }) => left > 0 && matches(call));
    if (rule === undefined) return undefined;
    rule.left -= 1;
    return rule.fault;
  }

  #answer(call: ApiCall): { status: number; body: string } {
    try {
      return { status: call.method === "POST" ? 201 : 200, body: JSON.stringify(this.store.answer(call)) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { status: error.status, body: refusal(error.status, error.reason, error.message) };
    }
  }

  #watch(call: ApiCall, response: ServerResponse): void {
    const from = Number(call.query["resourceVersion"]);
    const old = from < this.store.oldest;
    const error = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" };
    if (old && this.gone === "status") return void response.writeHead(410).end(JSON.stringify(error));
    response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
    if (old) return void response.end(`${JSON.stringify({ type: "ERROR", object: error })}\n`);
    const watch = new OpenWatch(call, parsePath(call.path), response);
    this.watches.push(watch);
    for (const change of this.store.since(from)) watch.tell(change);
    const quiet = this.store.onChange((change) => watch.tell(change));
    response.on("close", () => {
      quiet();
      this.watches.splice(this.watches.indexOf(watch), 1);
    });
  }
}

/** What a client needs to find a server and to authenticate. */
export function kubeConfigFor(server: string, user: Record<string, unknown> = {}): KubeConfig {
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: "fake", server, skipTLSVerify: true }],
    users: [{ name: "tester", ...user }],
    contexts: [{ name: "fake", cluster: "fake", user: "tester" }],
    currentContext: "fake",
  });
  return config;
}

function pathOfObject({ kind, metadata }: ApiObject): string {
  return pathOf(kindOf(kind), metadata.namespace, metadata.name);
}

function refusal(code: number, reason: string, message: string): string {
  return JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message });
}
