import { textAnswer, type AdminAnswer } from "../../runtime/admin-port/admin-endpoint.ts";
import { LiveFailure } from "../live/live-failure.ts";

/** A failure of a pod as it stands in an answer or an event. */
export interface ToldFailure {
  readonly pod: string;
  readonly message: string;
}

/** Statuses of a pod that say the same of this port. 401, say, would tell a page that the token of this port is wrong. */
const PASSED_ON = new Set([400, 403, 404, 429, 503]);

/** Why no pod gave an answer, as an answer of this port. */
export function failureAnswer({ kind, status, message }: LiveFailure): AdminAnswer {
  if (status !== undefined && PASSED_ON.has(status)) return textAnswer(status, message);
  if (kind === "Old" || kind === "NoProxy") return textAnswer(404, message);
  return textAnswer(kind === "NoPods" ? 503 : 502, message);
}

/** Makes an answer; a failure to reach the pods becomes its answer. */
export async function answered<T>(make: () => Promise<T>): Promise<T | AdminAnswer> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof LiveFailure) return failureAnswer(error);
    throw error;
  }
}

/** The failures of single pods. */
export function toldFailures(
  failures: readonly { readonly place: { readonly name: string }; readonly failure: LiveFailure }[],
): readonly ToldFailure[] {
  return failures.map(({ place, failure }) => ({ pod: place.name, message: failure.message }));
}
