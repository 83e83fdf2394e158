import type { RouteConfig } from "../../../api/config.ts";
import type { PoliciesSpec, PolicyKind } from "../../../api/policies/index.ts";
import type { RouteSpec } from "../../../api/websocket-proxy.ts";
import { backend, refreshedBackend } from "./backends.ts";
import { endpointsOf } from "./endpoints.ts";
import type { Lookup, ReferenceProblem } from "../references/lookup.ts";
import { mergePolicies, ownPolicies, resolvePolicies } from "../policies/index.ts";

/** A route as the data plane gets it, and the problems of its references. */
export interface ResolvedRoute {
  readonly route: RouteConfig;
  readonly problems: readonly ReferenceProblem[];
}

/** An accepted route with the values that it refers to. */
export function resolveRoute(spec: RouteSpec, at: string, inherited: PoliciesSpec, lookup: Lookup): ResolvedRoute {
  const own = ownPolicies(spec.policies);
  const atPolicy = (kind: PolicyKind): string => `${own.includes(kind) ? at : "spec"}.policies.${kind}`;
  const { policies, problems } = resolvePolicies(mergePolicies(inherited, spec.policies), atPolicy, lookup);
  const backends = spec.backends.map((it, index) => backend(it, `${at}.backends[${index}]`, lookup));
  return {
    route: {
      name: spec.name,
      hostnames: [...new Set(spec.hostnames)],
      path: spec.path,
      ...(spec.rewrite === undefined ? {} : { rewrite: spec.rewrite }),
      backends: backends.flatMap(({ value }) => value ?? []),
      loadBalancing: spec.loadBalancing,
      policies,
      ownPolicies: own,
    },
    problems: [...problems, ...backends.flatMap((it) => it.problems)],
  };
}

/** Problems of one route in force that are reported. */
const MOST_TOLD = 20;

/** A route of a config in force with the current values of its references: a key that was removed is removed here, too. */
export function refreshRoute(inForce: RouteConfig, at: string, lookup: Lookup): ResolvedRoute {
  const { policies, problems } = resolvePolicies(inForce.policies, (kind) => `policies.${kind}`, lookup);
  const backends = inForce.backends.map((it, index) => refreshedBackend(it, `backends[${index}]`, lookup));
  const reached = inForce.backends.map((it, index) => endpointsOf(it.endpoints, `backends[${index}]`, lookup));
  const every = [...problems, ...backends.flatMap((it) => it.problems), ...reached.flatMap((it) => it.problems)];
  // Each becomes a problem of this route's own, and a thousand routes may share them.
  const all = every.slice(0, MOST_TOLD);
  return {
    route: { ...inForce, policies, backends: backends.map(({ value }) => value) },
    problems: all.map((problem) =>
      problem.object === lookup.self
        ? { ...problem, at, message: `the version in force, at ${problem.at}: ${problem.message}` }
        : problem,
    ),
  };
}
