import type { Socket } from "node:net";

/** Bounds on a request head; the parser's own limit is twice as large, so that these answer. */
export const MAX_HEAD = 16_384;

/** A request as the HTTP parser handed it over. */
export interface Arrival {
  readonly method: string;
  readonly target: string;
  readonly httpVersion: string;
  /** Names and values in turn, as in Node's `rawHeaders`. */
  readonly rawHeaders: readonly string[];
  readonly peer: string;
  readonly encrypted: boolean;
}

/** A client's socket with the request that came over it; nothing has been answered yet. */
export interface Client {
  readonly arrival: Arrival;
  readonly socket: Socket;
  /** Bytes behind the request head that were read together with it. */
  readonly early: Buffer;
}
