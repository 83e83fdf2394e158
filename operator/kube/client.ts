import type { ClientRequest, IncomingMessage } from "node:http";
import type { KubeConfig } from "@kubernetes/client-node";
import type { Clock } from "../../runtime/clock.ts";
import { AnswerBodies, destroyOn, TooLong, type AnswerBody } from "./answer-body.ts";
import { ApiError, apiErrorOf, TOO_LONG } from "./api-error.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { deadline, reasonOf, TimedOut, within } from "./deadline.ts";
import { FIELD_MANAGER } from "./field-manager.ts";
import type { Call, Watcher } from "./call.ts";

/** For one call; ms. */
export const TIMEOUT = 30_000;
/** Bytes of one object as JSON: etcd takes 1.5 MiB, and JSON may write one byte of them as six (`\u0001`). */
export const LARGEST_OBJECT = 16 * 1024 * 1024;

/** Calls one API server over one pool of connections: each call ends within its time-out; all failures are ApiErrors. */
export class KubeClient implements Watcher {
  readonly #pool: ConnectionPool;
  readonly #clock: Clock;
  readonly #agent: string;
  readonly #bodies = new AnswerBodies();

  /** `userAgent`: how the API server's audit names the program. */
  constructor(kubeConfig: KubeConfig, clock: Clock, userAgent = FIELD_MANAGER) {
    this.#agent = userAgent;
    this.#pool = new ConnectionPool(kubeConfig);
    this.#clock = clock;
  }

  async request<T>(call: Call): Promise<T> {
    const whole = deadline(call.timeout ?? TIMEOUT, this.#clock, call.signal);
    let body: AnswerBody | undefined;
    try {
      const response = await this.#send(call, whole.signal);
      body = await this.#read(response, call, whole.signal);
      if (!succeeded(response)) throw errorOf(call, response, body.text);
      return JSON.parse(body.text) as T;
    } catch (cause) {
      if (cause instanceof ApiError) throw cause;
      throw new ApiError(call, 0, "Unreadable", "the answer is not JSON", undefined, { cause });
    } finally {
      body?.release();
      whole.end();
    }
  }

  async stream(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    const head = deadline(call.timeout ?? TIMEOUT, this.#clock, signal);
    try {
      const response = await this.#send(call, head.signal);
      if (!succeeded(response)) {
        const body = await this.#read(response, call, head.signal);
        body.release();
        throw errorOf(call, response, body.text);
      }
      destroyOn(signal, response);
      return response;
    } finally {
      head.end();
    }
  }

  /** Closes every connection, with the calls on them. */
  close(): void {
    this.#pool.close();
  }

  async #read(response: IncomingMessage, call: Call, signal: AbortSignal): Promise<AnswerBody> {
    try {
      return await this.#bodies.read(response, call.most ?? LARGEST_OBJECT, signal);
    } catch (cause) {
      if (cause instanceof TooLong) throw new ApiError(call, 0, TOO_LONG, cause.message, undefined, { cause });
      throw unreachable(call, cause);
    }
  }

  /** Resolves when the answer's head has come. */
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
        response.on("error", () => {}); // the reader of the body gets this error too
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
    const headers = { accept, "user-agent": this.#agent };
    const opening = this.#pool.open({
      method,
      path: search.size === 0 ? path : `${path}?${search.toString()}`,
      headers,
    });
    try {
      return await within(opening, signal);
    } catch (error) {
      // A request that opens after the abort is destroyed: else its connection would wait for it.
      opening.then((opened) => opened.on("error", () => {}).destroy()).catch(() => {});
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
