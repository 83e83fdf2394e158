import type { AcceptedProblem } from "../../../api/conditions.ts";
import { doubledHeaders, isReserved, writtenHeaders } from "../../../api/policies/forwarding.ts";
import type { PoliciesSpec } from "../../../api/policies/index.ts";
import { fieldPath } from "../../../api/problem.ts";
import { writtenPlaces } from "./written-places.ts";

/** Mistakes in policies that their schemas cannot find. `at`: path of the policies in the spec. */
export function policyProblems({ forwarding, authentication }: PoliciesSpec, at: string): AcceptedProblem[] {
  const problem = (path: readonly (string | number)[], message: string): AcceptedProblem => ({
    reason: "Invalid",
    message: `${message} (names that differ in case, _ . and - only are alike); choose another`,
    at: fieldPath(at, path),
  });
  const written = forwarding === undefined ? [] : writtenHeaders(forwarding);
  const doubled = forwarding === undefined ? [] : doubledHeaders(forwarding);
  const sources = writtenPlaces(authentication).map(({ place: { header = "" }, path }) => ({
    name: header,
    path: [...path, "header"],
  }));
  return [
    ...[...written.map(({ name, path }) => ({ name, path: ["forwarding", ...path] })), ...sources]
      .filter(({ name }) => isReserved(name))
      .map(({ path }) => problem(path, "is a header that the gateway itself writes")),
    ...doubled.map((path) => problem(["forwarding", ...path], "is set twice")),
  ];
}
