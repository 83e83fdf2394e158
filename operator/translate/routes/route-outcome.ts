import type { AcceptedProblem } from "../../../api/conditions.ts";
import type { RouteConfig } from "../../../api/config.ts";
import type { PoliciesSpec } from "../../../api/policies/index.ts";
import type { Verdict } from "./judge-routes.ts";
import type { Lookup, ReferenceProblem } from "../references/lookup.ts";
import { refreshRoute, resolveRoute } from "./resolve-route.ts";
import { fails, holds, unknown } from "../status.ts";
import type { RouteStatus } from "../translation.ts";

/** What becomes of one route of the spec. */
export interface RouteOutcome {
  readonly name: string;
  readonly at: string;
  readonly accepted: boolean;
  /** What goes into the config: the route, or where it is not accepted its version in force; undefined: nothing. */
  readonly route: RouteConfig | undefined;
  readonly problems: readonly (AcceptedProblem & { readonly object: string })[];
  readonly references: readonly ReferenceProblem[];
  readonly note: string | undefined;
}

/** Follows an accepted route's references; keeps the version in force of one that is not accepted. */
export function routeOutcome(
  { name, at, spec, problems, note }: Verdict,
  inherited: PoliciesSpec,
  before: RouteConfig | undefined,
  lookup: Lookup,
): RouteOutcome {
  const located = problems.map((problem) => ({ ...problem, object: lookup.self }));
  if (spec !== undefined) {
    const { route, problems: references } = resolveRoute(spec, at, inherited, lookup);
    return { name, at, accepted: true, route, problems: located, references, note };
  }
  const kept = before === undefined ? undefined : refreshRoute(before, at, lookup);
  const references = kept?.problems ?? [];
  return { name, at, accepted: false, route: kept?.route, problems: located, references, note };
}

/** The end of the message of a route that is not accepted, where it is served as it was. */
export const KEPT_ROUTE = "The version before stays in force.";

export function routeStatus(outcome: RouteOutcome, generation: number): RouteStatus {
  const { name, accepted, route, problems, references, note } = outcome;
  const kept = route === undefined ? "" : `. ${KEPT_ROUTE}`;
  const [first] = problems;
  const [reference] = references;
  const acceptedCondition =
    accepted || first === undefined
      ? holds("Accepted", "Accepted", generation, note)
      : fails("Accepted", first.reason, problems, generation, kept);
  const resolved =
    reference !== undefined
      ? fails("ResolvedRefs", reference.reason, references, generation)
      : accepted
        ? holds("ResolvedRefs", "ResolvedRefs", generation)
        : unknown("ResolvedRefs", "NotAccepted", generation);
  return { name, conditions: [acceptedCondition, resolved] };
}
