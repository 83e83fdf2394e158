import type { Call } from "./client.ts";

/** Why a call to the API server failed: its own Status where it answered, 0 where no usable answer came. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** HTTP status; 0: no usable answer. */
  readonly status: number;
  /** `reason` of the Status (NotFound, Conflict, Expired …); ours: Unreachable, Unreadable, NotLeading. */
  readonly reason: string;
  /** Milliseconds that the server asks to wait. */
  readonly retryAfter: number | undefined;

  constructor(
    { method = "GET", path }: Pick<Call, "method" | "path">,
    status: number,
    reason: string,
    message: string,
    retryAfter?: number,
    options?: ErrorOptions,
  ) {
    super(`${method} ${path}: ${status === 0 ? "" : `${status} `}${reason}: ${message.slice(0, 500)}`, options);
    this.status = status;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }
}

/** Longest wait that a server's wish is followed for. */
const LONGEST_WISH = 60_000;

/** An answer that is no success as an error. */
export function apiErrorOf(call: Call, status: number, text: string, retryAfter: string | undefined): ApiError {
  const { reason, message } = statusIn(text);
  const seconds = /^\d+$/.test(retryAfter ?? "") ? Number(retryAfter) : undefined;
  return new ApiError(
    call,
    status,
    typeof reason === "string" && reason !== "" ? reason : "Unknown",
    typeof message === "string" ? message : text,
    seconds === undefined ? undefined : Math.min(seconds * 1000, LONGEST_WISH),
  );
}

/** Did the server answer with this status? */
export function isStatus(error: unknown, status: number): boolean {
  return error instanceof ApiError && error.status === status;
}

/** Milliseconds that whoever failed with this error was asked to wait. */
export function wishedWait(error: unknown): number {
  return error instanceof ApiError ? (error.retryAfter ?? 0) : 0;
}

function statusIn(text: string): { readonly reason?: unknown; readonly message?: unknown } {
  try {
    const status: unknown = JSON.parse(text);
    return typeof status === "object" && status !== null ? status : {};
  } catch {
    return {};
  }
}
