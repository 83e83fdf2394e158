import { TOO_LONG, type ApiError } from "./kube/api-error.ts";
import { shortened } from "./shortened.ts";

/** An object that could not be read, written or removed, and why. */
export interface Failure {
  readonly kind: string;
  readonly name: string;
  readonly error: ApiError;
}

/**
 * Which failures of a pass the status tells. The rule: an answer that would be the same next time (a 4xx, but for those
 * about the moment) is told at once. A failure that may pass by itself (5xx, a conflict, no answer in time) is told only if
 * the same object fails in a second pass in a row. So a single hiccup never shows, and what lasts is told within a second
 * or two.
 */
export class Refusals {
  /** Proxy → objects that failed in its last pass. */
  readonly #failing = new Map<string, ReadonlySet<string>>();

  /** The failures to tell after a pass of a proxy. */
  told(proxy: string, failures: readonly Failure[]): readonly Failure[] {
    const before = this.#failing.get(proxy);
    if (failures.length === 0) this.#failing.delete(proxy);
    else this.#failing.set(proxy, new Set(failures.map(nameOf)));
    return failures.filter((failure) => isLasting(failure.error) || before?.has(nameOf(failure)) === true);
  }

  /** A proxy is gone. */
  forget(proxy: string): void {
    this.#failing.delete(proxy);
  }
}

/**
 * Is the error about this object, not about the server or the credentials? A call without an answer in time counts as about
 * its object: a webhook of that kind may be the cause.
 */
export function isObjectSpecific({ status, reason }: ApiError): boolean {
  if (status === 0) return reason === FOREIGN || reason === TOO_LONG || reason === "TimedOut";
  return status !== 401 && status !== 429;
}

/** Another writer's object has one of our names. */
export const FOREIGN = "ForeignObject";

/** Answers that stay the same until a user or an administrator changes something. */
const LASTING = new Set([400, 403, 404, 405, 413, 415, 422]);

function isLasting({ status, reason }: ApiError): boolean {
  return LASTING.has(status) || reason === FOREIGN || reason === TOO_LONG;
}

/** So that several fit into a message. */
const LONGEST_QUOTE = 300;

/** A failure as the status says it: the object, and the API server's words about it. */
export function wordsOf(failure: Failure): string {
  const { status, reason, words } = failure.error;
  if (reason === "TimedOut") return `${nameOf(failure)}: the API server did not answer in time`;
  return `${nameOf(failure)}: ${status === 0 ? "" : `${status} ${reason}: `}${shortened(words, LONGEST_QUOTE)}`;
}

const nameOf = ({ kind, name }: Failure): string => `${kind} ${name}`;
