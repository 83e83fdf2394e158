import type { IncomingMessage } from "node:http";

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
  /** Characters of the answer; default LARGEST_OBJECT. A longer one is an ApiError with the reason TooLong. */
  readonly most?: number;
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
