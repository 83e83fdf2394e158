import type { Call } from "./call.ts";
import { record } from "./record.ts";

/** Why a call to the API server failed: from the Status in its answer, or from us where no usable answer came. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** HTTP status; 0: no usable answer. */
  readonly status: number;
  /** `reason` of the Status (NotFound, Conflict, Expired …); ours: Unreachable, TimedOut, Unreadable, TooLong, NotLeading, NamespaceGone. */
  readonly reason: string;
  /** The server's message, or ours where it sent none; at most 500 characters. */
  readonly words: string;
  /** Milliseconds that the server asks to wait (Retry-After), at most LONGEST_WISH. */
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

/** Longest message of an error, in characters: a person still reads it. */
const LONGEST_WORDS = 500;
/** The operator waits no longer than this, whatever Retry-After says; ms. */
const LONGEST_WISH = 60_000;

/** The error for an answer with a status other than 2xx: `text` is its body, `retryAfter` its header in seconds. */
export function apiErrorOf(call: Call, status: number, text: string, retryAfter: string | undefined): ApiError {
  const { message, ...said } = statusIn(text);
  const reason = isAboutGoneNamespace(status, said) ? NAMESPACE_GONE : said.reason;
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

/** Is the object larger than the API server, or etcd behind it, accepts? The two report it in different words. */
export function isTooLarge(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return error.status === 413 || (error.status === 500 && /request is too large|larger than max/.test(error.words));
}

/** Is the namespace deleted, or being deleted? Nothing can be created in it any more. */
export function isNamespaceGone(error: unknown): boolean {
  return error instanceof ApiError && error.reason === NAMESPACE_GONE;
}

/** Milliseconds that the server asked to wait: from the ApiError among the error and its causes; 0: it did not ask. */
export function wishedWait(error: unknown): number {
  if (error instanceof ApiError) return error.retryAfter ?? 0;
  return error instanceof Error ? wishedWait(error.cause) : 0;
}

const NAMESPACE_GONE = "NamespaceGone";

/** `reason` of the ApiError for an answer that is longer than `Call.most`. */
export const TOO_LONG = "TooLong";

/** Was the answer longer than `Call.most`? */
export function isTooLong(error: unknown): error is ApiError {
  return error instanceof ApiError && error.reason === TOO_LONG;
}

/** A namespace that is being deleted answers 403 with a cause; for one that is gone, the 404 is about the namespace. */
function isAboutGoneNamespace(status: number, { details }: StatusBody): boolean {
  const { kind, causes } = record(details);
  if (status === 404) return kind === "namespaces";
  return Array.isArray(causes) && causes.some((cause) => record(cause)["reason"] === "NamespaceTerminating");
}

/** Fields of the API server's Status. */
interface StatusBody {
  readonly reason?: unknown;
  readonly message?: unknown;
  readonly details?: unknown;
}

function statusIn(text: string): StatusBody {
  try {
    return record(JSON.parse(text));
  } catch {
    return {};
  }
}
