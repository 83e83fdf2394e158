import type { WebSocketProxyStatus } from "../../api/status.ts";
import { shortened } from "../shortened.ts";

/** Characters of a status that fits into one object of the API, unless the spec is a very large one. */
const ROOM = 400_000;
const SHORT = 100;

/**
 * The forms of a status, each shorter than the one before: if the status would not fit, route conditions are shortened, then
 * left out. The conditions of the proxy stay, and say what is wrong.
 */
export function formsOf(status: WebSocketProxyStatus): readonly [WebSocketProxyStatus, ...WebSocketProxyStatus[]] {
  const { routes, ...without } = status;
  if (routes === undefined || routes.length === 0) return [status];
  const brief = inBrief(status);
  return JSON.stringify(status).length <= ROOM ? [status, brief, without] : [brief, without];
}

/** A condition that is true keeps its reason, any other the start of its message. */
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
