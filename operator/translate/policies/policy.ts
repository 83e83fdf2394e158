import type { PolicyKind, RenderedOf, SpecOf } from "../../../api/policies/index.ts";
import type { Lookup, ReferenceProblem } from "../references/lookup.ts";

/** Settings of policies, as a user writes them or as a config in force has them: that form still holds its references. */
export type PolicySettings = { readonly [K in PolicyKind]?: SpecOf<K> | RenderedOf<K> | undefined };

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

/** Kinds of policies that the data plane gets in another form than users write them: each must have a resolver. */
export type ReferringKind = {
  [K in PolicyKind]: Same<SpecOf<K>, RenderedOf<K>> extends true ? never : K;
}[PolicyKind];

/** What a resolver may use beside the settings of its policy. */
export interface ResolverContext {
  /** Path of the settings in the spec. */
  readonly at: string;
  /** The settings of all policies of the route, for a policy that depends on another. */
  readonly all: PolicySettings;
  readonly lookup: Lookup;
}

/** A policy as the data plane gets it; undefined: it is absent. */
export interface ResolvedPolicy<K extends PolicyKind> {
  readonly value: RenderedOf<K> | undefined;
  readonly problems?: readonly ReferenceProblem[];
}

/** Settings (undefined: the user wrote none) → the policy as the data plane gets it. */
export type Resolver<K extends PolicyKind> = (
  settings: SpecOf<K> | RenderedOf<K> | undefined,
  context: ResolverContext,
) => ResolvedPolicy<K>;
