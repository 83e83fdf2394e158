import type { PoliciesSpec } from "../../../api/policies/index.ts";
import { fieldPath, quoted } from "../../../api/problem.ts";
import { idleHeaders } from "./idle-headers.ts";
import { countedByAddress } from "./node-addresses.ts";

/** What the user should know of a field. */
interface PolicyWarning {
  readonly at: string;
  readonly message: string;
}

/**
 * What is accepted as it is written and yet may not be what the user means. `at`: path of the policies in the spec;
 * `nodes`: the gateway sees addresses of nodes in the place of clients'.
 */
export function policyWarnings(policies: PoliciesSpec, at: string, nodes: boolean): PolicyWarning[] {
  const { authentication, forwarding } = policies;
  const idle = forwarding === undefined ? [] : idleHeaders(forwarding);
  return [
    ...sharedClientClaims(authentication, at),
    ...idle.map(({ path, message }) => ({ at: fieldPath(at, ["forwarding", ...path]), message })),
    ...(nodes ? countedByAddress(policies) : []).map(({ path, message }) => ({ at: fieldPath(at, path), message })),
  ];
}

function sharedClientClaims(authentication: PoliciesSpec["authentication"], at: string): PolicyWarning[] {
  const issuers = authentication?.jwt ?? [];
  return issuers.flatMap(({ clientClaim, issuer }, index) => {
    const first = issuers.findIndex((other) => other.clientClaim === clientClaim);
    if (first === index) return [];
    const other = quoted(issuers[first]?.issuer ?? "");
    const message = `takes the client id from the claim ${quoted(clientClaim)}, as jwt[${first}] does: limits, deny and the backend see that value alone, so a client of ${quoted(issuer)} and one of ${other} with the same value are one client. Use claims whose values are never equal`;
    return [{ at: fieldPath(at, ["authentication", "jwt", index, "clientClaim"]), message }];
  });
}
