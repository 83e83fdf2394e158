import type { AcceptedProblem } from "../../../api/conditions.ts";
import type { RouteConfig } from "../../../api/config.ts";
import type { PoliciesSpec } from "../../../api/policies/index.ts";
import type { JudgedRoute } from "./judge-routes.ts";
import type { Lookup, ReferenceProblem } from "../references/lookup.ts";
import { refreshRoute, resolveRoute } from "./resolve-route.ts";
import { fails, holds, unknown } from "../status.ts";
import type { RouteStatus } from "../translation.ts";

/** What a translation makes of one route of the spec. */
export interface RouteOutcome {
  readonly name: string;
  readonly at: string;
  readonly accepted: boolean;
  /** The route for the config or, where the route is not accepted, its last good version; undefined: there is none. */
  readonly route: RouteConfig | undefined;
  readonly problems: readonly (AcceptedProblem & { readonly object: string })[];
  readonly references: readonly ReferenceProblem[];
  readonly note: string | undefined;
}

/** Resolves the references of an accepted route; a route that is not accepted leaves its last good version, `before`. */
export function routeOutcome(
  { name, at, spec, problems, note }: JudgedRoute,
  inherited: PoliciesSpec,
  before: RouteConfig | undefined,
  lookup: Lookup,
): RouteOutcome {
  const located = problems.map((problem) => ({ ...problem, object: lookup.self }));
  if (spec !== undefined) {
    const { route, problems: references } = resolveRoute(spec, at, inherited, lookup);
    return { name, at, accepted: true, route, problems: located, references, note };
  }
  const lastGoodRoute = before === undefined ? undefined : refreshRoute(before, at, lookup);
  const references = lastGoodRoute?.problems ?? [];
  return { name, at, accepted: false, route: lastGoodRoute?.route, problems: located, references, note };
}

/** The end of the message of a route that is not accepted, where its last good version is served. */
export const KEPT_ROUTE = "The version before stays in force.";

/** The conditions of one route. */
export function routeStatus(outcome: RouteOutcome, generation: number): RouteStatus {
  const { name, accepted, route, problems, references, note } = outcome;
  const after = route === undefined ? "" : `. ${KEPT_ROUTE}`;
  const [first] = problems;
  const [reference] = references;
  const acceptedCondition =
    accepted || first === undefined
      ? holds("Accepted", "Accepted", generation, note)
      : fails("Accepted", first.reason, problems, generation, after);
  const resolved =
    reference !== undefined
      ? fails("ResolvedRefs", reference.reason, references, generation)
      : accepted
        ? holds("ResolvedRefs", "ResolvedRefs", generation)
        : unknown("ResolvedRefs", "NotAccepted", generation);
  return { name, conditions: [acceptedCondition, resolved] };
}
