import type { AcceptedProblem } from "../../api/conditions.ts";
import { doubledHeaders } from "../../api/policies/forwarding.ts";
import type { PoliciesSpec } from "../../api/policies/index.ts";
import { fieldPath } from "../../api/problem.ts";

/** Mistakes in policies that their schema cannot tell of. `at` is where the policies stand. */
export function policyProblems({ forwarding }: PoliciesSpec, at: string): AcceptedProblem[] {
  if (forwarding === undefined) return [];
  return doubledHeaders(forwarding).map((path) => ({
    reason: "Invalid",
    message: "is set twice (names that differ in case, _ . and - only are alike); choose another",
    at: fieldPath(`${at}.forwarding`, path),
  }));
}
