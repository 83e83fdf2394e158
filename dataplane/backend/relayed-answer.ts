import type { IncomingMessage } from "node:http";
import { fieldsOf, type HeaderField } from "../http/header-fields.ts";
import { refusalFields } from "./response-headers.ts";

/** A backend's refusal, as far as the client gets it. */
export interface RelayedAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly HeaderField[];
  readonly body: Buffer;
}

const MAX_RELAYED_BODY = 65_536;
/** Pieces of a body, of which each costs a call. */
const MAX_RELAYED_PIECES = 4096;
/** As a body may stand on the wire, in chunks: what their sizes and extensions take is bounded too. */
export const MAX_BODY_ON_WIRE = 2 * MAX_RELAYED_BODY;

/**
 * Reads a backend's refusal: the body is cut off where it is long, comes in very small pieces, ends too early or is
 * overdue. Redirects are the client's to follow. Never rejects.
 */
export function relayedAnswer(response: IncomingMessage, signal: AbortSignal): Promise<RelayedAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  const stop = (): void => void response.destroy();
  signal.addEventListener("abort", stop, { once: true });
  response.on("data", (chunk: Buffer) => {
    chunks.push(chunk.subarray(0, MAX_RELAYED_BODY - size));
    size += chunk.length;
    if (size >= MAX_RELAYED_BODY || chunks.length === MAX_RELAYED_PIECES) stop();
  });
  // The part of the body that came is enough: the status says what the client needs.
  response.on("error", () => {});
  return new Promise((resolve) => {
    response.once("close", () => {
      signal.removeEventListener("abort", stop);
      resolve({
        status: response.statusCode ?? 502,
        statusText: response.statusMessage ?? "",
        headers: refusalFields(fieldsOf(response.rawHeaders)),
        body: Buffer.concat(chunks),
      });
    });
    if (signal.aborted) stop();
  });
}
