import type { AcceptedProblem } from "../../../api/conditions.ts";
import type { PoliciesSpec } from "../../../api/policies/index.ts";
import { fieldPath } from "../../../api/problem.ts";
import { writtenPlaces } from "./written-places.ts";

/** Places in which one subprotocol has two encodings: of an offer, no reader could tell which it is in. */
export function mixedEncodings(authentication: PoliciesSpec["authentication"], at: string): AcceptedProblem[] {
  const encodings = new Map<string, string>();
  return writtenPlaces(authentication).flatMap(({ place: { subprotocol, encoding = "Base64Url" }, path }) => {
    if (subprotocol === undefined) return [];
    const first = encodings.get(subprotocol) ?? encoding;
    encodings.set(subprotocol, first);
    if (first === encoding) return [];
    const message = `is the subprotocol ${subprotocol} in another encoding above; write one encoding, or choose another name`;
    return [{ reason: "Invalid" as const, message, at: fieldPath(at, [...path, "subprotocol"]) }];
  });
}
