import type { AcceptedProblem } from "../../../api/conditions.ts";
import { doubledHeaders, isReserved, writtenHeaders } from "../../../api/policies/forwarding.ts";
import type { PoliciesSpec } from "../../../api/policies/index.ts";
import type { CredentialPlace } from "../../../api/policies/credential-place.ts";
import { fieldPath } from "../../../api/problem.ts";

/** Mistakes in policies that their schemas cannot find. `at`: path of the policies in the spec. */
export function policyProblems({ forwarding, authentication }: PoliciesSpec, at: string): AcceptedProblem[] {
  const problem = (path: readonly (string | number)[], message: string): AcceptedProblem => ({
    reason: "Invalid",
    message: `${message} (names that differ in case, _ . and - only are alike); choose another`,
    at: fieldPath(at, path),
  });
  const written = forwarding === undefined ? [] : writtenHeaders(forwarding);
  const doubled = forwarding === undefined ? [] : doubledHeaders(forwarding);
  const places: FoundPlace[] = (["apiKey", "jwt", "introspection"] as const).flatMap((method) =>
    (authentication?.[method]?.from ?? []).map((place, index) => ({
      place,
      path: ["authentication", method, "from", index],
    })),
  );
  const sources = places.map(({ place: { header = "" }, path }) => ({ name: header, path: [...path, "header"] }));
  return [
    ...[...written.map(({ name, path }) => ({ name, path: ["forwarding", ...path] })), ...sources]
      .filter(({ name }) => isReserved(name))
      .map(({ path }) => problem(path, "is a header that the gateway itself writes")),
    ...doubled.map((path) => problem(["forwarding", ...path], "is set twice")),
    ...mixedEncodings(places, at),
  ];
}

interface FoundPlace {
  readonly place: CredentialPlace;
  readonly path: readonly (string | number)[];
}

/** One subprotocol in two encodings: of one offer, no reader could tell which it is in. */
function mixedEncodings(places: readonly FoundPlace[], at: string): AcceptedProblem[] {
  const encodings = new Map<string, string>();
  return places.flatMap(({ place: { subprotocol, encoding = "Base64Url" }, path }): AcceptedProblem[] => {
    if (subprotocol === undefined) return [];
    const first = encodings.get(subprotocol) ?? encoding;
    encodings.set(subprotocol, first);
    if (first === encoding) return [];
    const message = `is the subprotocol ${subprotocol} in another encoding above; write one encoding, or choose another name`;
    return [{ reason: "Invalid", message, at: fieldPath(at, [...path, "subprotocol"]) }];
  });
}
