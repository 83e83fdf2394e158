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
  /** Longest answer, in characters; default LARGEST_OBJECT. For a longer one the call fails with the reason TooLong. */
  readonly most?: number;
  readonly signal?: AbortSignal;
}

/** Makes calls to the API server: the client, or a fence before it that lets only some through. */
export interface Caller {
  /** The answer's JSON; every failure is an ApiError. */
  request<T>(call: Call): Promise<T>;
}

/** A Caller that can watch, too. */
export interface Watcher extends Caller {
  /** The answer's body as a stream, until `signal` aborts; the call's time-out is for its head. Failures: as `request`. */
  stream(call: Call, signal: AbortSignal): Promise<IncomingMessage>;
}
