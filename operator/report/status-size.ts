import type { WebSocketProxyStatus } from "../../api/status.ts";
import { shortened } from "../shortened.ts";

/** Characters of a status that fits into one object of the API, unless the spec is a very large one. */
const ROOM = 400_000;
const SHORT = 100;

/**
 * The forms of a status, each shorter than the one before. Of a thousand routes each can be told in brief only, and beside
 * a spec that fills the object none of them: then the conditions of the whole tell what is wrong.
 */
export function formsOf(status: WebSocketProxyStatus): readonly [WebSocketProxyStatus, ...WebSocketProxyStatus[]] {
  const { routes, ...without } = status;
  if (routes === undefined || routes.length === 0) return [status];
  const brief = inBrief(status);
  return JSON.stringify(status).length <= ROOM ? [status, brief, without] : [brief, without];
}

/** What holds by its reason, what does not by the start of its words. */
function inBrief(status: WebSocketProxyStatus): WebSocketProxyStatus {
  const routes = status.routes?.map(({ name, conditions }) => ({
    name,
    conditions: conditions?.map((one) => ({
      ...one,
      message: one.status === "True" ? "" : shortened(one.message, SHORT),
    })),
  }));
  return { ...status, ...(routes === undefined ? {} : { routes }) };
}
