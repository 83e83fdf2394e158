import { policies, type PoliciesSpec, type PolicyKind, type RenderedPolicies } from "../../../api/policies/index.ts";
import type { Lookup, ReferenceProblem } from "../references/lookup.ts";
import { authentication } from "./authentication.ts";
import { compression } from "./compression.ts";
import { origins } from "./origins.ts";
import type { PolicySettings, ReferringKind, ResolvedPolicy, Resolver } from "./policy.ts";

/** For each policy with two different schemas (as written, as rendered): what turns the one into the other. tsc demands each. */
export const resolvers = {
  authentication, // Secrets and ConfigMaps
  origins, // the default depends on authentication
  compression, // depends on messages
} satisfies { readonly [K in ReferringKind]: Resolver<K> } & { readonly [K in PolicyKind]?: Resolver<K> };

const KINDS = Object.keys(policies) as PolicyKind[];

/** The kinds of policies that a route has itself, and does not inherit. */
export function ownPolicies(own: PoliciesSpec): PolicyKind[] {
  return KINDS.filter((kind) => own[kind] !== undefined);
}

/** The settings of a route: its own key replaces the whole same key of the proxy. */
export function mergePolicies(inherited: PolicySettings, own: PolicySettings): PolicySettings {
  return Object.fromEntries(KINDS.map((kind) => [kind, own[kind] ?? inherited[kind]]));
}

/** The policies of a route as the data plane gets them. `at`: the path of a policy's settings in the spec. */
export function resolvePolicies(
  all: PolicySettings,
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

function resolve<K extends PolicyKind>(kind: K, all: PolicySettings, at: string, lookup: Lookup): ResolvedPolicy<K> {
  const table: { readonly [P in PolicyKind]?: Resolver<P> } = resolvers;
  // The type of an index by K loses the kind: `satisfies` has checked that each resolver has its own name.
  const resolver = table[kind];
  if (resolver !== undefined) return resolver(all[kind], { at, all, lookup });
  return { value: (all[kind] ?? absent(kind, lookup)) as ResolvedPolicy<K>["value"] };
}

/** The rendered form of a policy without settings, with its defaults; undefined: the policy is absent then. */
function absent(kind: PolicyKind, lookup: Lookup): unknown {
  const { rendered, absent: value } = policies[kind];
  return value === undefined ? undefined : lookup.once(`absent ${kind}`, () => rendered.parse(value));
}
