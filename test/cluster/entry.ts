import type { ConnectionOptions } from "node:tls";
import type { ClientOptions } from "ws";

/** How a client opens a session. */
export interface Dial extends ClientOptions, Pick<ConnectionOptions, "ca" | "servername"> {
  /** Name of the client in the ledger. */
  readonly as?: string;
  readonly protocols?: readonly string[];
  /** Messages that the backend sends before its first echo: 1 at `/name` and `/headers`. */
  readonly greetings?: number;
}

/** A message: when it was sent or received, in ms since the epoch, and its text. */
export interface Line {
  readonly at: number;
  readonly text: string;
}

/** The end of a session: `text` is the reason of the Close. */
export interface Ending extends Line {
  readonly code: number;
}

/** Everything that one client saw of one session, from its dial to its end. */
export interface Entry {
  readonly id: number;
  readonly as: string;
  readonly url: string;
  readonly greetings: number;
  readonly dialled: number;
  /** When the 101 came, and the backend pod that its header named. */
  opened: number | undefined;
  backend: string | undefined;
  /** Fingerprint of the certificate that the gateway showed, where the URL is wss. */
  certificate: string | undefined;
  /** The answer, where it was not a 101: status, the reason in its body, and the seconds of its Retry-After. */
  refused:
    | { readonly at: number; readonly status: number; readonly reason: string; readonly retryAfter?: number }
    | undefined;
  readonly sent: Line[];
  readonly received: Line[];
  closed: Ending | undefined;
  /** What the client's own system said, where there was no answer. */
  error: string | undefined;
}
