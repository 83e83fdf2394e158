import type { IncomingMessage } from "node:http";
import { textAnswer, type AdminAnswer } from "../../../runtime/admin-port/admin-endpoint.ts";

/** The one path of the webhook. API servers add a query with their time-out. */
const PATH = "/inject";

/** What is wrong with a request as far as its head says; undefined: its body is worth reading. */
export function faultOfHead({ url = "", method, headers }: IncomingMessage): AdminAnswer | undefined {
  if (url.split("?", 1)[0] !== PATH) return textAnswer(404, `POST ${PATH} is all that is served here`);
  if (method !== "POST") return textAnswer(405, `${PATH} takes POST only`, { allow: "POST" });
  const type = headers["content-type"] ?? "";
  if (!/^application\/json *(;|$)/i.test(type)) return textAnswer(415, "the body must be application/json");
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding.toLowerCase() !== "identity") return textAnswer(415, "the body must not be compressed");
  return undefined;
}
