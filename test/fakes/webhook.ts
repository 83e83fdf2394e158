import { randomUUID } from "node:crypto";
import { Agent, request, type RequestOptions } from "node:https";
import { connect, type TLSSocket } from "node:tls";
import { onTestFinished } from "vitest";
import type { AdmissionResponse } from "../../operator/admission/response.ts";
import { WebhookServer, type WebhookOptions } from "../../operator/admission/server.ts";
import { systemClock } from "../../runtime/clock.ts";
import { Authority } from "./certificates.ts";
import { silentLog } from "./log.ts";
import { Peer } from "./sockets.ts";

/** An answer of the webhook. */
export interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

/** A pair for the name `hook.test`, with the CA that callers trust. */
export interface Issued {
  readonly ca: string;
  readonly key: string;
  readonly cert: string;
}

export async function issued(): Promise<Issued> {
  // By a name of its own: a caller that trusts several finds the right one by it.
  const authority = await Authority.create(`CA ${randomUUID()}`);
  const { certificate, privateKey } = await authority.issue({ names: ["hook.test"] });
  return { ca: authority.ca, key: privateKey, cert: certificate };
}

/** Text of an AdmissionReview about a pod, with an annotation of this length. */
export function reviewOf(uid = "u1", padding = 0): string {
  const object = { metadata: { annotations: { padding: "x".repeat(padding) } } };
  return JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request: { uid, object } });
}

/** A decision that allows every review with a uid. */
export function allowAll(review: unknown): AdmissionResponse | undefined {
  const uid = (review as { request?: { uid?: unknown } } | null)?.request?.uid;
  return typeof uid === "string" ? { uid, allowed: true } : undefined;
}

/** A webhook's port on loopback with its callers, as API servers call it: real TLS, verified. It ends with the test. */
export class WebhookBench {
  readonly server: WebhookServer;
  readonly results: string[] = [];
  readonly closed: string[] = [];
  readonly logged: unknown[] = [];
  pair: Issued | undefined;
  port = 0;

  constructor(options: Partial<WebhookOptions> = {}) {
    this.server = new WebhookServer({
      clock: systemClock,
      log: { ...silentLog, error: (fields) => this.logged.push(fields) },
      ready: () => true,
      answer: allowAll,
      pair: () => this.pair,
      answered: (result) => this.results.push(result),
      closed: (why) => this.closed.push(why),
      ...options,
    });
  }

  static async open(options: Partial<WebhookOptions> = {}): Promise<WebhookBench> {
    const bench = new WebhookBench(options);
    bench.use(await issued());
    await bench.listen();
    return bench;
  }

  async listen(): Promise<void> {
    this.port = (await this.server.open("::", 0)).port;
    onTestFinished(() => this.server.close());
  }

  use(pair: Issued): void {
    this.pair = pair;
    this.server.pairChanged();
  }

  /** An agent that uses connections again. */
  agent(localAddress = "127.0.0.1"): Agent {
    const agent = new Agent({ keepAlive: true, localAddress });
    onTestFinished(() => agent.destroy());
    return agent;
  }

  /** One call; without an agent on a connection of its own. */
  call(body: string | Buffer = reviewOf(), options: RequestOptions = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request({
        ...this.#where,
        agent: false,
        method: "POST",
        path: "/inject?timeout=5s",
        ...options,
        headers: { "content-type": "application/json", ...(options.headers as Record<string, string>) },
      });
      sent.on("response", (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
        response.on("error", reject);
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  /** A connection with TLS set up; what it receives is collected. */
  async secured(options: { readonly localAddress?: string } = {}): Promise<Peer & { readonly socket: TLSSocket }> {
    const socket = connect({ ...this.#where, ...options });
    const peer = new Peer(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("secureConnect", resolve);
      socket.once("close", () => reject(new Error("closed before TLS was set up")));
    });
    onTestFinished(() => void socket.destroy());
    return peer as Peer & { readonly socket: TLSSocket };
  }

  get #where(): { host: string; port: number; ca: string | undefined; servername: string; localAddress: string } {
    const { port, pair } = this;
    return { host: "127.0.0.1", port, ca: pair?.ca, servername: "hook.test", localAddress: "127.0.0.1" };
  }
}
