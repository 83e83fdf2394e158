import type { Endpoints } from "../../../api/config.ts";
import { endpointsKey } from "./endpoints.ts";
import type { JudgedRoute } from "./judge-routes.ts";

/**
 * How many backends have a ready endpoint, of all that the routes in force name, such as `2/3`: by the endpoints that the pods
 * get. A Service and port count once. `judged`: the routes of an accepted spec; their backends that could not be resolved are
 * not among the endpoints, and not ready.
 */
export function readyBackends(judged: readonly JudgedRoute[], { backends }: Endpoints): string {
  const named = new Set(Object.keys(backends));
  for (const { spec } of judged) {
    for (const { service, port } of spec?.backends ?? []) named.add(endpointsKey(service, port));
  }
  const ready = Object.values(backends).filter((endpoints) => endpoints.some(({ state }) => state === "Ready"));
  return `${ready.length}/${named.size}`;
}
