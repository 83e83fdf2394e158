import type { Problem } from "../../api/problem.ts";
import { listenerPort } from "./judge-routes.ts";
import type { ReadProxy } from "./read-proxy.ts";
import type { Surroundings } from "./resources.ts";

/** What is wrong with the listener's port where one process serves several proxies; undefined if nothing is. */
export function portConflict(
  { header }: ReadProxy,
  { portOwner }: Surroundings,
  self: string,
): (Problem<"ListenerConflict"> & { readonly object: string }) | undefined {
  const port = header === undefined ? undefined : listenerPort(header);
  const owner = port === undefined ? undefined : portOwner?.(port);
  if (owner === undefined) return undefined;
  const message = `port ${port} is that of ${owner} already; choose another`;
  return { reason: "ListenerConflict", message, at: "spec.listener.port", object: self };
}
