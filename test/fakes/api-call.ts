import type { IncomingMessage } from "node:http";

/** A call to the fake API server, as it arrived; `body` is its parsed JSON. */
export interface ApiCall {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}
