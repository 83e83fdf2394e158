import type { AcceptedProblem, Condition } from "../../api/conditions.ts";
import type { ReferenceProblem } from "./references/lookup.ts";
import type { ReadProxy } from "./read-proxy.ts";
import type { RouteOutcome } from "./routes/route-outcome.ts";
import { fails, holds, unknown } from "./status.ts";

type Located = AcceptedProblem & { readonly object: string };

/** Is the proxy as a whole accepted? With the condition that says so, and every mistake in it and in its routes. */
export interface Ruling {
  readonly accepted: boolean;
  readonly condition: Condition<"Accepted">;
  readonly problems: readonly Located[];
}

/** Problems of the proxy as a whole. */
interface WholeProblems {
  readonly mode: Located | undefined;
  /** Of the config that it would make, such as its size. */
  readonly config: readonly (Located | undefined)[];
}

/** Decides whether the whole proxy is accepted. */
export function rule(
  { header, generation, problems }: ReadProxy,
  outcomes: readonly RouteOutcome[],
  { mode, config }: WholeProblems,
  /** A sentence that the user should know of an accepted proxy. */
  note: string | undefined,
  self: string,
): Ruling {
  const own: Located[] = mode === undefined ? [] : [mode];
  own.push(...problems.map((problem) => ({ ...problem, object: self })));
  own.push(...config.filter((problem) => problem !== undefined));
  const all = [...own, ...outcomes.flatMap((outcome) => outcome.problems)];
  const accepted = outcomes.filter((outcome) => outcome.accepted).length;
  const [first] = own;
  if (header === undefined || first !== undefined) {
    return {
      accepted: false,
      condition: fails("Accepted", first?.reason ?? "Invalid", all, generation),
      problems: all,
    };
  }
  if (accepted === 0) {
    return { accepted: false, condition: fails("Accepted", "NoRouteAccepted", all, generation), problems: all };
  }
  const condition =
    accepted === outcomes.length
      ? holds("Accepted", "Accepted", generation, note)
      : holds("Accepted", "PartiallyAccepted", generation, all, note === undefined ? "" : `. ${note}`);
  return { accepted: true, condition, problems: all };
}

/** ResolvedRefs of the whole proxy. */
export function resolvedRefs(
  accepted: boolean,
  problems: readonly ReferenceProblem[],
  generation: number,
): Condition<"ResolvedRefs"> {
  const [first] = problems;
  if (first !== undefined) return fails("ResolvedRefs", first.reason, problems, generation);
  return accepted
    ? holds("ResolvedRefs", "ResolvedRefs", generation)
    : unknown("ResolvedRefs", "NotAccepted", generation);
}
