import {
  isStream,
  type AdminAnswer,
  type AdminClient,
  type AdminEndpoint,
} from "../../runtime/admin-port/admin-endpoint.ts";

/** A client of the admin port that stays. */
export const STAYING: AdminClient = { address: "192.0.2.1", gone: new AbortController().signal };

/** The answer of an endpoint that streams nothing. */
export async function answerOf(endpoint: AdminEndpoint, query = "", segment?: string): Promise<AdminAnswer> {
  const answer = await endpoint.answer(new URLSearchParams(query), STAYING, segment);
  if (isStream(answer)) throw new Error("the answer is a stream");
  return answer;
}
