import type { Call } from "./client.ts";

/** Why a call to the API server failed: its own Status where it answered, 0 where no usable answer came. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** HTTP status; 0: no answer. */
  readonly status: number;
  /** `reason` of the Status (NotFound, Conflict, Expired …), or Unreachable, Unreadable. */
  readonly reason: string;
  /** Seconds that the server asks to wait. */
  readonly retryAfter: number | undefined;

  constructor(
    { method = "GET", path }: Call,
    status: number,
    reason: string,
    message: string,
    retryAfter: number | undefined,
    options?: ErrorOptions,
  ) {
    super(`${method} ${path}: ${status === 0 ? "" : `${status} `}${reason}: ${message.slice(0, 500)}`, options);
    this.status = status;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }
}

/** An answer that is no success as an error. */
export function apiErrorOf(call: Call, status: number, text: string, retryAfter: string | undefined): ApiError {
  const { reason, message } = statusIn(text);
  const seconds = Number(retryAfter);
  return new ApiError(
    call,
    status,
    reason ?? "Unknown",
    message ?? text.slice(0, 200),
    Number.isFinite(seconds) && retryAfter !== undefined ? seconds : undefined,
  );
}

function statusIn(text: string): { reason?: string; message?: string } {
  try {
    const status: unknown = JSON.parse(text);
    return typeof status === "object" && status !== null ? status : {};
  } catch {
    return {};
  }
}

export function isStatus(error: unknown, status: number): boolean {
  return error instanceof ApiError && error.status === status;
}
