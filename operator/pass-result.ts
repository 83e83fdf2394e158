import { wishedWait, type ApiError } from "./kube/api-error.ts";

/** How a pass ended that no fault broke off. */
export type PassResult = PassDone | PassRefused;

export interface PassDone {
  readonly result: "done";
  /** Milliseconds after which another pass is to be made, whether or not an event asks for one; undefined: no such pass. */
  readonly lookAgainAfter?: number;
}

/** The API server refuses to write or to show an object: the status says which, and the pass is made again later. */
export interface PassRefused {
  readonly result: "refused";
  /** The refused objects, each with the API server's words. */
  readonly words: string;
  readonly cause: ApiError | undefined;
  /** Milliseconds for which the API server asks to be left alone; the wait grows from pass to pass beyond that. */
  readonly lookAgainAfter: number;
}

export const DONE: PassResult = { result: "done" };

/** The result of a pass with these refusals, of which `cause` is the first that the API server gave; done if there is none. */
export function refusedBy(refusals: readonly string[], cause: ApiError | undefined): PassResult {
  if (refusals.length === 0) return DONE;
  return { result: "refused", words: refusals.join("; "), cause, lookAgainAfter: wishedWait(cause) };
}
