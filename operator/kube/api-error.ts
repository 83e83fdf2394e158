import type { Call } from "./call.ts";

/** Why a call to the API server failed: its own Status where it answered, 0 where no usable answer came. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** HTTP status; 0: no usable answer. */
  readonly status: number;
  /** `reason` of the Status (NotFound, Conflict, Expired …); ours: Unreachable, TimedOut, Unreadable, TooLong, NotLeading, NamespaceGone. */
  readonly reason: string;
  /** The server's own words, or ours where it has said nothing. */
  readonly words: string;
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
    const words = message.slice(0, LONGEST_WORDS).toWellFormed();
    super(`${method} ${path}: ${status === 0 ? "" : `${status} `}${reason}: ${words}`, options);
    this.status = status;
    this.reason = reason;
    this.words = words;
    this.retryAfter = retryAfter;
  }
}

/** What people still read. */
const LONGEST_WORDS = 500;
/** Longest wait that a server's wish is followed for. */
const LONGEST_WISH = 60_000;

/** An answer that is no success as an error. */
export function apiErrorOf(call: Call, status: number, text: string, retryAfter: string | undefined): ApiError {
  const { message, ...said } = statusIn(text);
  const reason = tellsOfGoneNamespace(status, said) ? NAMESPACE_GONE : said.reason;
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

/** Is the object larger than the API server, or etcd behind it, takes? Each of them has its own words for it. */
export function isTooLarge(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return error.status === 413 || (error.status === 500 && /request is too large|larger than max/.test(error.words));
}

/** Is the namespace being deleted, or deleted? Nothing can be made in it any more, and it never comes back. */
export function isNamespaceGone(error: unknown): boolean {
  return error instanceof ApiError && error.reason === NAMESPACE_GONE;
}

/** Milliseconds that the call which failed with this error, or because of it, was asked to wait. */
export function wishedWait(error: unknown): number {
  if (error instanceof ApiError) return error.retryAfter ?? 0;
  return error instanceof Error ? wishedWait(error.cause) : 0;
}

const NAMESPACE_GONE = "NamespaceGone";

/** The answer is longer than the call takes. */
export const TOO_LONG = "TooLong";

export function isTooLong(error: unknown): error is ApiError {
  return error instanceof ApiError && error.reason === TOO_LONG;
}

/** The Forbidden of a namespace that is being deleted says so in its causes; the NotFound of one that is gone is about it. */
function tellsOfGoneNamespace(status: number, { details }: Said): boolean {
  const { kind, causes } = record(details);
  if (status === 404) return kind === "namespaces";
  return Array.isArray(causes) && causes.some((cause) => record(cause)["reason"] === "NamespaceTerminating");
}

interface Said {
  readonly reason?: unknown;
  readonly message?: unknown;
  readonly details?: unknown;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function statusIn(text: string): Said {
  try {
    return record(JSON.parse(text));
  } catch {
    return {};
  }
}
