import type { AcceptedProblem } from "../../../api/conditions.ts";
import { doubledHeaders, identityHeaders, setHeaders } from "../../../api/policies/forwarding.ts";
import { HANDSHAKE_HEADERS, isAmong, RESERVED_HEADERS } from "../../../api/policies/header-names.ts";
import type { PoliciesSpec } from "../../../api/policies/index.ts";
import { fieldPath } from "../../../api/problem.ts";
import { mixedEncodings } from "./mixed-encodings.ts";
import { idleHeaders } from "./idle-headers.ts";

/** Mistakes in policies that their schemas cannot find. `at`: path of the policies in the spec. */
export function policyProblems({ forwarding, authentication }: PoliciesSpec, at: string): AcceptedProblem[] {
  const invalid = (path: readonly (string | number)[], message: string): AcceptedProblem => ({
    reason: "Invalid",
    message,
    at: fieldPath(at, path),
  });
  const problem = (path: readonly (string | number)[], message: string): AcceptedProblem =>
    invalid(path, `${message} (names that differ in case, _ . and - only are alike); choose another`);
  const ours = "is a header that the gateway itself writes";
  const identity = forwarding === undefined ? [] : identityHeaders(forwarding);
  const set = forwarding === undefined ? [] : setHeaders(forwarding);
  const idle = forwarding === undefined ? [] : idleHeaders(forwarding);
  const doubled = forwarding === undefined ? [] : doubledHeaders(forwarding);
  const sources = (["apiKey", "jwt", "introspection"] as const).flatMap((method) =>
    (authentication?.[method]?.from ?? []).map(({ header = "" }, index) => ({
      name: header,
      path: ["authentication", method, "from", index, "header"],
    })),
  );
  return [
    ...[...identity.map(({ name, path }) => ({ name, path: ["forwarding", ...path] })), ...sources]
      .filter(({ name }) => isAmong(RESERVED_HEADERS, name))
      .map(({ path }) => problem(path, ours)),
    ...set
      .filter(({ name }) => isAmong(HANDSHAKE_HEADERS, name))
      .map(({ path }) => problem(["forwarding", ...path], ours)),
    ...idle.map(({ path, message }) => invalid(["forwarding", ...path], message)),
    ...doubled.map((path) => problem(["forwarding", ...path], "is set twice")),
    ...mixedEncodings(authentication, at),
  ];
}
