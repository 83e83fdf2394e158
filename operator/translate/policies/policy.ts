import type { PolicyKind, RenderedOf, SpecOf } from "../../../api/policies/index.ts";
import type { Lookup, ReferenceProblem } from "../references/lookup.ts";

/** Policies as somebody wrote them, or as they stand in a config in force: that form still holds its references. */
export type Settings = { readonly [K in PolicyKind]?: SpecOf<K> | RenderedOf<K> | undefined };

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

/** Policies that the data plane gets in another form than users write them: each must have a resolver. */
export type ReferringKind = {
  [K in PolicyKind]: Same<SpecOf<K>, RenderedOf<K>> extends true ? never : K;
}[PolicyKind];

export interface ResolverContext {
  /** Where the settings stand. */
  readonly at: string;
  /** All settings of the route, for what depends on another policy. */
  readonly all: Settings;
  readonly lookup: Lookup;
}

/** A policy as the data plane gets it; undefined: it is absent. */
export interface Resolved<K extends PolicyKind> {
  readonly value: RenderedOf<K> | undefined;
  readonly problems?: readonly ReferenceProblem[];
}

/** Settings → what the data plane gets. `settings` is undefined where nobody wrote any. */
export type Resolver<K extends PolicyKind> = (
  settings: SpecOf<K> | RenderedOf<K> | undefined,
  context: ResolverContext,
) => Resolved<K>;
