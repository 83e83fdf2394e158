import { wishedWait, type ApiError } from "./kube/api-error.ts";

/** How a pass ended. A pass that meets a fault has no result: it rejects. */
export type PassResult = PassDone | PassRefused;

export interface PassDone {
  readonly result: "done";
  /** Another pass is to be made after this time, also without an event; ms. undefined: only an event brings one. */
  readonly lookAgainAfter?: number;
}

/** The API server refuses to write or to show an object: the status says which, and the pass is made again later. */
export interface PassRefused {
  readonly result: "refused";
  /** The refused objects, each with the API server's words. */
  readonly words: string;
  readonly cause: ApiError | undefined;
  /** The API server asks to wait for this time before the next pass; ms. The wait may be longer, as after a failure. */
  readonly leastWait: number;
  /** Another pass is to be made after this time, even if the queue would wait longer after a refusal; ms. */
  readonly lookAgainAfter?: number;
}

export const DONE: PassResult = { result: "done" };

/** The result of a pass with these refusals, of which `cause` is the first that the API server gave; done if there is none. */
export function refusedBy(refusals: readonly string[], cause: ApiError | undefined): PassResult {
  if (refusals.length === 0) return DONE;
  return { result: "refused", words: refusals.join("; "), cause, leastWait: wishedWait(cause) };
}

/** The result, with another pass after the earliest of these times; undefined ones do not count. */
export function lookingAgain(result: PassResult, waits: readonly (number | undefined)[]): PassResult {
  const earliest = Math.min(...waits.filter((wait) => wait !== undefined));
  return earliest === Number.POSITIVE_INFINITY ? result : { ...result, lookAgainAfter: earliest };
}
