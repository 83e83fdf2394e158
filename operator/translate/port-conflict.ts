import type { Problem } from "../../api/problem.ts";
import { listenerPort } from "./listener.ts";
import type { ReadProxy } from "./read-proxy.ts";
import type { TranslateOptions } from "./resources.ts";

type Conflict = Problem<"ListenerConflict" | "Invalid"> & { readonly object: string };

/** The problem of a listener port that the gateway itself or another proxy has already; undefined: the port is free. */
export function portConflict(
  { header }: ReadProxy,
  { portOwner, adminPort }: TranslateOptions,
  self: string,
): Conflict | undefined {
  if (header === undefined) return undefined;
  const port = listenerPort(header);
  const conflict = (reason: Conflict["reason"], owner: string): Conflict => {
    const message = `port ${port} is that of ${owner} already; choose another`;
    return { reason, message, at: "spec.listener.port", object: self };
  };
  if (port === adminPort) return conflict("Invalid", "the gateway's own /metrics and /healthz (the admin port)");
  const owner = portOwner?.(port);
  return owner === undefined ? undefined : conflict("ListenerConflict", owner);
}
