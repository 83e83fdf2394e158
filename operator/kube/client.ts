import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";
import { ApiError, apiErrorOf } from "./api-error.ts";

/** One call to the API server. */
export interface Call {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the server's URL, with its leading `/`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  /** Milliseconds for the whole call; default 30 s. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

const TIMEOUT = 30_000;
/** Connections kept for calls; a watch has one of its own beside them. */
const MAX_SOCKETS = 32;
const MAX_ANSWER = 256 * 1024 * 1024;

/** A connection pool to one API server: every call has a time-out, and fails with an ApiError. */
export class KubeClient {
  readonly #kubeConfig: KubeConfig;
  readonly #server: URL;
  #agent: { readonly material: string; readonly agent: HttpAgent | HttpsAgent } | undefined;

  constructor(kubeConfig: KubeConfig) {
    const cluster = kubeConfig.getCurrentCluster();
    if (cluster === null) throw new Error("the kubeconfig has no current cluster");
    this.#kubeConfig = kubeConfig;
    this.#server = new URL(cluster.server);
  }

  /** The answer's JSON. */
  async request<T>(call: Call): Promise<T> {
    const signal = deadline(call.timeout ?? TIMEOUT, call.signal);
    const response = await this.#send(call, signal);
    const text = await readAll(response, call, signal);
    const status = response.statusCode ?? 0;
    if (status < 200 || status > 299) throw apiErrorOf(call, status, text, response.headers["retry-after"]);
    try {
      return JSON.parse(text) as T;
    } catch (cause) {
      throw new ApiError(call, 0, "Unreadable", "the answer is not JSON", undefined, { cause });
    }
  }

  /** The answer's body as it comes; only its head is bounded in time. */
  async stream(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    const head = deadline(call.timeout ?? TIMEOUT, signal);
    const response = await this.#send(call, head, signal);
    const status = response.statusCode ?? 0;
    if (status === 200) return response;
    const text = await readAll(response, call, head);
    throw apiErrorOf(call, status, text, response.headers["retry-after"]);
  }

  /** Closes the idle connections. */
  close(): void {
    this.#agent?.agent.destroy();
  }

  /** Resolves with the answer's head; `signal` bounds that, `whole` (where it differs) the connection. */
  async #send(call: Call, signal: AbortSignal, whole: AbortSignal = signal): Promise<IncomingMessage> {
    const options = await this.#options(call);
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void =>
        reject(new ApiError(call, 0, "Unreachable", error.message, undefined, { cause: error }));
      if (signal.aborted) return fail(reasonOf(signal));
      const request = (this.#server.protocol === "https:" ? httpsRequest : httpRequest)(options);
      const abort = (): void => void request.destroy(reasonOf(signal));
      signal.addEventListener("abort", abort, { once: true });
      request.on("error", (error) => {
        signal.removeEventListener("abort", abort);
        fail(error);
      });
      request.on("response", (response) => {
        signal.removeEventListener("abort", abort);
        const end = (): void => void response.destroy(reasonOf(whole));
        whole.addEventListener("abort", end, { once: true });
        response.once("close", () => whole.removeEventListener("abort", end));
        if (whole.aborted) end();
        resolve(response);
      });
      if (body === undefined) return void request.end();
      request.setHeader("content-type", call.contentType ?? "application/json");
      request.setHeader("content-length", body.length);
      request.end(body);
    });
  }

  async #options({ method = "GET", path, query = {}, accept }: Call): Promise<RequestOptions> {
    // Read anew for each call: a ServiceAccount's token is replaced while we run.
    const auth: RequestOptions & { ca?: unknown; cert?: unknown; key?: unknown; rejectUnauthorized?: boolean } = {};
    await this.#kubeConfig.applyToHTTPSOptions(auth);
    const { ca, cert, key, rejectUnauthorized, servername } = auth as Record<string, string | boolean | undefined>;
    const tls = { ca, cert, key, rejectUnauthorized, servername };
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
    const text = search.toString();
    return {
      protocol: this.#server.protocol,
      hostname: this.#server.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: this.#server.port,
      path: this.#server.pathname.replace(/\/$/, "") + path + (text === "" ? "" : `?${text}`),
      method,
      headers: { ...auth.headers, accept: accept ?? "application/json", "user-agent": "wsproxy-operator" },
      agent: this.#agentFor(tls),
    };
  }

  /** One pool, as long as certificates and key are the same. */
  #agentFor(tls: Record<string, string | boolean | undefined>): HttpAgent | HttpsAgent {
    const given = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
    const material = JSON.stringify(given);
    if (this.#agent?.material === material) return this.#agent.agent;
    this.#agent?.agent.destroy();
    const pool = { keepAlive: true, keepAliveMsecs: 15_000, maxSockets: Number.POSITIVE_INFINITY, maxFreeSockets: MAX_SOCKETS };
    const agent = this.#server.protocol === "https:" ? new HttpsAgent({ ...pool, ...given }) : new HttpAgent(pool);
    this.#agent = { material, agent };
    return agent;
  }
}

function deadline(ms: number, signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(ms);
  return signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error("aborted");
}

async function readAll(response: IncomingMessage, call: Call, signal: AbortSignal): Promise<string> {
  const end = (): void => void response.destroy(reasonOf(signal));
  signal.addEventListener("abort", end, { once: true });
  try {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_ANSWER) throw new Error("the answer is too long");
    }
    return Buffer.concat(chunks).toString("utf8");
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new ApiError(call, 0, "Unreachable", message, undefined, { cause });
  } finally {
    signal.removeEventListener("abort", end);
  }
}
