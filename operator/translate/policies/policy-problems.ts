import type { AcceptedProblem } from "../../../api/conditions.ts";
import { doubledHeaders, identityHeaders, setHeaders } from "../../../api/policies/forwarding.ts";
import { HANDSHAKE_HEADERS, isAmong, RESERVED_HEADERS } from "../../../api/policies/header-names.ts";
import type { PoliciesSpec } from "../../../api/policies/index.ts";
import { fieldPath } from "../../../api/problem.ts";
import { mixedEncodings } from "./mixed-encodings.ts";
import { writtenPlaces } from "./written-places.ts";

/** Mistakes in policies that their schemas cannot find. `at`: path of the policies in the spec. */
export function policyProblems({ forwarding, authentication }: PoliciesSpec, at: string): AcceptedProblem[] {
  const problem = (path: readonly (string | number)[], message: string): AcceptedProblem => ({
    reason: "Invalid",
    message: `${message} (names that differ in case, _ . and - only are alike); choose another`,
    at: fieldPath(at, path),
  });
  const ours = "is a header that the gateway itself writes";
  const identity = forwarding === undefined ? [] : identityHeaders(forwarding);
  const set = forwarding === undefined ? [] : setHeaders(forwarding);
  const doubled = forwarding === undefined ? [] : doubledHeaders(forwarding);
  const sources = writtenPlaces(authentication).map(({ place: { header = "" }, path }) => ({
    name: header,
    path: [...path, "header"],
  }));
  return [
    ...[...identity.map(({ name, path }) => ({ name, path: ["forwarding", ...path] })), ...sources]
      .filter(({ name }) => isAmong(RESERVED_HEADERS, name))
      .map(({ path }) => problem(path, ours)),
    ...set
      .filter(({ name }) => isAmong(HANDSHAKE_HEADERS, name))
      .map(({ path }) => problem(["forwarding", ...path], ours)),
    ...doubled.map((path) => problem(["forwarding", ...path], "is set twice")),
    ...mixedEncodings(authentication, at),
  ];
}
