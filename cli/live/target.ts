import type { Duplex } from "node:stream";

/** The admin port of one process. */
export interface Place {
  /** Stays the same as long as the process may be the same: uid of a pod, or a URL. */
  readonly id: string;
  /** For people: name of the pod, or the address. */
  readonly name: string;
  /** The process is about to end: it is no failure that it does not answer. */
  readonly leaving: boolean;
  /** `<namespace>/<name>`: of the proxies of the process, only this one is meant; absent: all. */
  readonly only?: string | undefined;
  /** Value of the Host header: an IP address or localhost, with a port. */
  readonly host: string;
  /** Read for each request: it may change meanwhile. */
  readonly token: string;
  /** What is said when the process does not take the token. */
  readonly wrongToken: string;
  /** A connection of its own for each request. Rejects with LiveFailure. */
  connect(signal: AbortSignal): Promise<Duplex>;
  /** Reads the token anew after it was refused; true: it is another one now. Rejects with LiveFailure. */
  renewToken(signal: AbortSignal): Promise<boolean>;
}

/** One gateway: all processes that serve it. */
export interface Target {
  /** For people: `<namespace>/<name>`, or the URL. */
  readonly title: string;
  /** Is it one process, named by its URL? Else places come and go. */
  readonly single: boolean;
  /**
   * The processes that run now, sorted by name; at most MOST_PLACES. Rejects with LiveFailure, also where there is none.
   */
  places(signal: AbortSignal): Promise<readonly Place[]>;
  /** Ends every connection to the API server. */
  close(): void;
}

/** Processes that one command asks at most. */
export const MOST_PLACES = 1000;
