import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import type { Clock } from "../../runtime/clock.ts";

/** A handshake to repeat. */
export interface Question {
  /** Path and query, as they stand in the request line. */
  readonly target: string;
  readonly protocols: readonly string[];
}

/** The answer of the gateway, or in `problem` why there was none. */
export type Finding =
  | {
      readonly status: number;
      readonly reason?: string;
      readonly detail?: string;
      readonly retryAfter?: string;
    }
  | { readonly problem: string };

/** How long the gateway's answer may take, in ms. */
const PATIENCE = 5000;
/** How long the gateway may take to answer the Close after a 101, in ms. */
const FAREWELL = 1000;
/** Questions at the same time. */
const MOST_AT_ONCE = 4;
/** Bytes of an answer that are read. */
const MAX_ANSWER = 4096;

/**
 * Repeats a handshake to find what browsers hide from scripts: the status with which a gateway refused it. It dials
 * only the gateway that it was made for, follows no redirect, and gives status, reason, detail and Retry-After only.
 */
export class Probe {
  /** URL of the gateway, with the path that the page shows at first. */
  readonly gateway: string;
  readonly #authority: string;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #asked = 0;

  constructor(gateway: string, clock: Clock, signal: AbortSignal) {
    const url = URL.parse(gateway);
    if (url === null || !/^wss?:$/.test(url.protocol)) {
      throw new TypeError(`gateway must be a ws:// or wss:// URL, such as ws://127.0.0.1:8080/chat, not ${gateway}`);
    }
    this.gateway = url.href;
    this.#authority = `${url.protocol}//${url.host}`;
    this.#clock = clock;
    this.#signal = signal;
  }

  /** Repeats one handshake with this Origin, which the gateway may check. Never rejects. */
  async ask({ target, protocols }: Question, origin: string): Promise<Finding> {
    if (this.#asked >= MOST_AT_ONCE) return { problem: "the sample backend is busy asking for others" };
    this.#asked += 1;
    try {
      return await this.#shakeHands(`${this.#authority}${target}`, protocols, origin);
    } catch (error) {
      return { problem: error instanceof Error ? error.message : String(error) };
    } finally {
      this.#asked -= 1;
    }
  }

  #shakeHands(url: string, protocols: readonly string[], origin: string): Promise<Finding> {
    const socket = new WebSocket(url, [...protocols], {
      origin,
      perMessageDeflate: false,
      maxPayload: MAX_ANSWER,
      followRedirects: false,
    });
    const { promise, resolve } = Promise.withResolvers<Finding>();
    const giveUp = (problem: string): void => {
      resolve({ problem });
      socket.terminate();
    };
    const aborted = (): void => giveUp("the sample backend is stopping");
    const timer = this.#clock.after(PATIENCE, () => giveUp(`no answer within ${PATIENCE / 1000} s`));
    this.#signal.addEventListener("abort", aborted, { once: true });
    socket.on("error", (error) => resolve({ problem: error.message }));
    socket.on("open", () => {
      resolve({ status: 101 });
      socket.close(1000);
      this.#clock.after(FAREWELL, () => socket.terminate());
    });
    socket.on("unexpected-response", (request, response) => {
      void findingIn(response).then((finding) => {
        resolve(finding);
        request.destroy();
      });
    });
    return promise.finally(() => {
      timer.cancel();
      this.#signal.removeEventListener("abort", aborted);
    });
  }
}

/** The status, and reason and detail of a problem document (RFC 9457). */
async function findingIn(response: IncomingMessage): Promise<Finding> {
  const status = response.statusCode ?? 0;
  const retryAfter = response.headers["retry-after"];
  const body = response.headers["content-type"] === "application/problem+json" ? await start(response) : "";
  const finding = { status, ...(retryAfter === undefined ? {} : { retryAfter: retryAfter.slice(0, 64) }) };
  try {
    const { reason, detail } = JSON.parse(body) as { reason?: unknown; detail?: unknown };
    if (typeof reason !== "string" || typeof detail !== "string") return finding;
    return { ...finding, reason: reason.slice(0, 64), detail: detail.slice(0, 200) };
  } catch {
    return finding;
  }
}

async function start(response: IncomingMessage): Promise<string> {
  let body = "";
  try {
    for await (const chunk of response) {
      body += String(chunk);
      if (body.length >= MAX_ANSWER) break;
    }
  } catch {
    // the response broke off: the part that came is used
  }
  return body.slice(0, MAX_ANSWER);
}
