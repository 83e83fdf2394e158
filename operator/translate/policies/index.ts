import { policies, type PoliciesSpec, type PolicyKind, type RenderedPolicies } from "../../../api/policies/index.ts";
import type { Lookup, ReferenceProblem } from "../references/lookup.ts";
import { authentication } from "./authentication.ts";
import { compression } from "./compression.ts";
import { origins } from "./origins.ts";
import type { ReferringKind, Resolved, Resolver, Settings } from "./policy.ts";

/** What stands between the two schemas of a policy. One whose schemas differ does not compile without a line here. */
export const resolvers = {
  authentication, // Secrets and ConfigMaps
  origins, // what is allowed where nothing is written depends on authentication
  compression, // depends on messages
} satisfies { readonly [K in ReferringKind]: Resolver<K> } & { readonly [K in PolicyKind]?: Resolver<K> };

const KINDS = Object.keys(policies) as PolicyKind[];

/** Policies of a route that it does not inherit. */
export function ownPolicies(own: PoliciesSpec): PolicyKind[] {
  return KINDS.filter((kind) => own[kind] !== undefined);
}

/** A key of the route replaces the whole same key of the proxy. */
export function mergePolicies(inherited: Settings, own: Settings): Settings {
  return Object.fromEntries(KINDS.map((kind) => [kind, own[kind] ?? inherited[kind]]));
}

/** The policies of a route, complete. `at` tells where the settings of a policy stand. */
export function resolvePolicies(
  all: Settings,
  at: (kind: PolicyKind) => string,
  lookup: Lookup,
): { readonly policies: RenderedPolicies; readonly problems: readonly ReferenceProblem[] } {
  const problems: ReferenceProblem[] = [];
  const resolved = KINDS.flatMap((kind) => {
    const { value, problems: more = [] } = resolve(kind, all, at(kind), lookup);
    problems.push(...more);
    return value === undefined ? [] : [[kind, value]];
  });
  return { policies: Object.fromEntries(resolved) as RenderedPolicies, problems };
}

function resolve<K extends PolicyKind>(kind: K, all: Settings, at: string, lookup: Lookup): Resolved<K> {
  const table: { readonly [P in PolicyKind]?: Resolver<P> } = resolvers;
  // Indexing by K loses which policy it is: `satisfies` has checked that each is under its own name.
  const resolver = table[kind];
  if (resolver !== undefined) return resolver(all[kind], { at, all, lookup });
  return { value: (all[kind] ?? absent(kind, lookup)) as Resolved<K>["value"] };
}

/** What stands for a policy that nobody wrote, with its defaults. */
function absent(kind: PolicyKind, lookup: Lookup): unknown {
  const { rendered, absent: value } = policies[kind];
  return value === undefined ? undefined : lookup.once(`absent ${kind}`, () => rendered.parse(value));
}
