import type { RouteConfig } from "../../api/config.ts";
import type { PolicyKind, RenderedPolicies } from "../../api/policies/index.ts";
import { occupancyKind } from "../limits/occupancy.ts";

/** The kinds of keys of the occupancy (`kindOf`) that the limits of these routes on open sessions count. */
export function countedKinds(routes: readonly RouteConfig[]): ReadonlySet<string> {
  const kinds = new Set<string>();
  for (const { name, policies, ownPolicies } of routes) {
    const own = ownPolicies.includes("connections") ? name : undefined;
    for (const { per } of policies.connections ?? []) kinds.add(occupancyKind(per, own, name));
  }
  return kinds;
}

/** The first policy that has a limit over several sessions and acts on it. */
export function needsStore(policies: RenderedPolicies): PolicyKind | undefined {
  if (policies.enforcement === "Shadow") return undefined;
  const { attempts = [], connections = [], messages, bytes } = policies;
  const limits = {
    attempts,
    connections,
    messages: [...(messages?.fromClient ?? []), ...(messages?.fromBackend ?? [])],
    bytes: [...(bytes?.fromClient ?? []), ...(bytes?.fromBackend ?? [])],
  };
  const needing = Object.entries(limits).find(([, list]) => list.some(({ per }) => per !== "Connection"));
  return needing?.[0] as PolicyKind | undefined;
}
