import type { IncomingMessage } from "node:http";
import { readBody } from "../../runtime/bounded-body.ts";
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
  const stop = (): void => void response.destroy();
  signal.addEventListener("abort", stop, { once: true });
  return new Promise((resolve) => {
    readBody(response, { bytes: MAX_RELAYED_BODY, pieces: MAX_RELAYED_PIECES }, ({ bytes }) => {
      signal.removeEventListener("abort", stop);
      // The part of the body that came is enough: the status says what the client needs.
      resolve({
        status: response.statusCode ?? 502,
        statusText: response.statusMessage ?? "",
        headers: refusalFields(fieldsOf(response.rawHeaders)),
        body: bytes,
      });
    });
    if (signal.aborted) stop();
  });
}
