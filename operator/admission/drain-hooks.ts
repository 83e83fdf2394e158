import { isDeepStrictEqual } from "node:util";
import type { PodContainer } from "../../api/admission-review.ts";
import { pointer, type Operation } from "./json-patch.ts";

/** Path on the admin port that answers when the data plane has drained. */
const DRAINED = "/drained";
/** Names of containers in the annotation. */
const MOST_NAMED = 16;

/** The hooks of a pod's main containers. */
export interface DrainHooks {
  readonly operations: readonly Operation[];
  /** Value of the annotation that names containers with a hook of their own; undefined: there are none. */
  readonly own: string | undefined;
}

/**
 * Gives each main container a preStop hook that holds it until the data plane has drained; a hook of the user's stays. By
 * number, since a name is looked up in the container itself. `added`: admin ports of an earlier call.
 */
export function drainHooks(
  containers: readonly PodContainer[],
  adminPort: number,
  added: ReadonlySet<number>,
): DrainHooks {
  const hook = hookOf(adminPort);
  const operations: Operation[] = [];
  const own: string[] = [];
  for (const [at, { name, lifecycle }] of containers.entries()) {
    const path = pointer("spec", "containers", at, "lifecycle");
    const preStop = lifecycle !== undefined && Object.hasOwn(lifecycle, "preStop") ? lifecycle["preStop"] : undefined;
    if (lifecycle === undefined) operations.push({ op: "add", path, value: { preStop: hook } });
    else if (preStop === undefined || preStop === null) {
      operations.push({ op: "add", path: `${path}/preStop`, value: hook });
    } else if (isDeepStrictEqual(preStop, hook)) continue;
    else if (isOfPort(preStop, added)) operations.push({ op: "replace", path: `${path}/preStop`, value: hook });
    else own.push(name);
  }
  return { operations, own: own.length === 0 ? undefined : own.slice(0, MOST_NAMED).join(",") };
}

const hookOf = (port: unknown) => ({ httpGet: { path: DRAINED, port, scheme: "HTTP" } });

/** Is it our hook, for one of these ports? */
function isOfPort(preStop: object, ports: ReadonlySet<unknown>): boolean {
  const { port } = { ...(preStop as { readonly httpGet?: { readonly port?: unknown } }).httpGet };
  return ports.has(port) && isDeepStrictEqual(preStop, hookOf(port));
}
