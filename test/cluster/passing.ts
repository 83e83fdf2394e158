import { ApiError } from "../../operator/kube/api-error.ts";

/** An API server, or a pod behind it, that is too busy to answer or not there: it is asked again. */
export function isPassing(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);
}
