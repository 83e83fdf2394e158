import type { ClientRequest, IncomingMessage } from "node:http";
import type { KubeConfig } from "@kubernetes/client-node";
import type { Clock } from "../../runtime/clock.ts";
import { ApiError, apiErrorOf } from "./api-error.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { deadline, reasonOf, TimedOut, within } from "./deadline.ts";

/** One call to the API server. */
export interface Call {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the server's URL, with its leading `/`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  /** Milliseconds for the whole call; default TIMEOUT. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/** Whatever makes calls: the client, or one that lets only some of them through. */
export interface Caller {
  /** The answer's JSON; every failure is an ApiError. */
  request<T>(call: Call): Promise<T>;
}

/** Whatever can watch, too. */
export interface Watcher extends Caller {
  /** The answer's body as it comes, until `signal` aborts; the call's time-out is for its head. */
  stream(call: Call, signal: AbortSignal): Promise<IncomingMessage>;
}

export const TIMEOUT = 30_000;
/** A page of a list; far more than the API server puts in one. */
const MAX_ANSWER = 256 * 1024 * 1024;

/** Calls one API server over one pool of connections: each call ends in its time, and fails with an ApiError. */
export class KubeClient implements Watcher {
  readonly #pool: ConnectionPool;
  readonly #clock: Clock;

  constructor(kubeConfig: KubeConfig, clock: Clock) {
    this.#pool = new ConnectionPool(kubeConfig);
    this.#clock = clock;
  }

  async request<T>(call: Call): Promise<T> {
    const whole = deadline(call.timeout ?? TIMEOUT, this.#clock, call.signal);
    try {
      const response = await this.#send(call, whole.signal);
      const text = await readAll(response, call, whole.signal);
      if (!succeeded(response)) throw errorOf(call, response, text);
      return JSON.parse(text) as T;
    } catch (cause) {
      if (cause instanceof ApiError) throw cause;
      throw new ApiError(call, 0, "Unreadable", "the answer is not JSON", undefined, { cause });
    } finally {
      whole.end();
    }
  }

  async stream(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    const head = deadline(call.timeout ?? TIMEOUT, this.#clock, signal);
    try {
      const response = await this.#send(call, head.signal);
      if (!succeeded(response)) throw errorOf(call, response, await readAll(response, call, head.signal));
      destroyOn(signal, response);
      return response;
    } finally {
      head.end();
    }
  }

  /** Ends every connection. */
  close(): void {
    this.#pool.close();
  }

  /** Resolves with the answer's head. */
  async #send(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    const request = await this.#open(call, signal);
    return new Promise((resolve, reject) => {
      const abort = (): void => void request.destroy(reasonOf(signal));
      signal.addEventListener("abort", abort, { once: true });
      request.on("error", (error) => {
        signal.removeEventListener("abort", abort);
        reject(unreachable(call, error));
      });
      request.on("response", (response) => {
        signal.removeEventListener("abort", abort);
        response.on("error", () => {}); // whoever reads it is told
        resolve(response);
      });
      const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
      if (body !== undefined) {
        request.setHeader("content-type", call.contentType ?? "application/json");
        request.setHeader("content-length", body.length);
      }
      request.end(body);
      if (signal.aborted) abort();
    });
  }

  async #open(call: Call, signal: AbortSignal): Promise<ClientRequest> {
    const { method = "GET", path, query = {}, accept = "application/json" } = call;
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
    const headers = { accept, "user-agent": "wsproxy-operator" };
    const opening = this.#pool.open({
      method,
      path: search.size === 0 ? path : `${path}?${search.toString()}`,
      headers,
    });
    try {
      return await within(opening, signal);
    } catch (error) {
      // The request that comes too late has to be ended, or its connection would wait for it.
      opening.then((late) => late.on("error", () => {}).destroy()).catch(() => {});
      throw unreachable(call, error);
    }
  }
}

function succeeded({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode <= 299;
}

function errorOf(call: Call, { statusCode = 0, headers }: IncomingMessage, text: string): ApiError {
  return apiErrorOf(call, statusCode, text, headers["retry-after"]);
}

function unreachable(call: Call, cause: unknown): ApiError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const reason = cause instanceof TimedOut ? "TimedOut" : "Unreachable";
  return new ApiError(call, 0, reason, message, undefined, { cause });
}

/** Ends a body that is not read to its end. */
function destroyOn(signal: AbortSignal, body: IncomingMessage): () => void {
  const end = (): void => void body.destroy(reasonOf(signal));
  const release = (): void => signal.removeEventListener("abort", end);
  signal.addEventListener("abort", end, { once: true });
  body.once("close", release);
  if (signal.aborted) end();
  return release;
}

async function readAll(response: IncomingMessage, call: Call, signal: AbortSignal): Promise<string> {
  const release = destroyOn(signal, response);
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
    throw unreachable(call, cause);
  } finally {
    release();
  }
}
