import { isRecord, list, record } from "../../api/unchecked.ts";

/** Lists of `deny`, which are sets. */
const LISTS = ["clients", "tokenIds", "addresses"] as const;

/**
 * A WebSocketProxy with each entry of its deny lists once. An object from before they were sets may have an entry twice: the
 * API server takes other edits of it, so they must come into force too. What has no such entry stays the same value.
 */
export function withDistinctEntries<P extends object>(proxy: P): P {
  const { spec } = proxy as { readonly spec?: unknown };
  if (!isRecord(spec)) return proxy;
  const policies = distinctPolicies(spec["policies"]);
  const before = list(spec["routes"]);
  const routes = before.map((route) => {
    const own = distinctPolicies(record(route)["policies"]);
    return own === record(route)["policies"] ? route : { ...record(route), policies: own };
  });
  const same = policies === spec["policies"] && routes.every((route, index) => route === before[index]);
  return same ? proxy : { ...proxy, spec: { ...spec, policies, ...(before.length === 0 ? {} : { routes }) } };
}

function distinctPolicies(policies: unknown): unknown {
  const { deny } = record(policies);
  if (!isRecord(deny)) return policies;
  const changed = LISTS.flatMap((name) => {
    const entries = list(deny[name]);
    const once = [...new Set(entries)];
    return once.length === entries.length ? [] : [[name, once] as const];
  });
  return changed.length === 0 ? policies : { ...record(policies), deny: { ...deny, ...Object.fromEntries(changed) } };
}
