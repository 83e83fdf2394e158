import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";

const SECURITY: OutgoingHttpHeaders = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self' ws: wss:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
};

/** The answer to a plain HTTP request. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer | string;
  readonly headers?: OutgoingHttpHeaders;
}

/** A sentence as plain text. */
export const words = (status: number, body: string, headers: OutgoingHttpHeaders = {}): Answer => ({
  status,
  type: "text/plain; charset=utf-8",
  body: `${body}\n`,
  headers,
});

/** A value as JSON, for the script of the page. */
export const json = (status: number, value: unknown): Answer => ({
  status,
  type: "application/json",
  body: JSON.stringify(value),
});

/** Sends an answer; to a HEAD request without the body. */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, type, body, headers }: Answer,
): void {
  request.resume();
  response.writeHead(status, {
    ...SECURITY,
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    ...headers,
  });
  response.end(request.method === "HEAD" ? undefined : body);
}
