import { expect, test } from "vitest";
import { REJECTIONS } from "../rejection.ts";
import { decidingStep } from "./deciding-step.ts";

/** Refusals that a policy decides: they name it. */
const OF_POLICIES = [
  ...["AmbiguousCredential", "CredentialMissing", "CredentialInvalid", "CredentialExpired", "CredentialRevoked"],
  ...["OriginForbidden", "ScopeMissing", "ClaimMismatch", "Denied", "AttemptLimit", "ConnectionLimit"],
  "IdentityProviderUnavailable",
];

test("each reason to refuse a handshake belongs to a step: that of the policy that decided, or one of the gateway's own", () => {
  const reasons = Object.entries(REJECTIONS).flatMap(([reason, row]) => ("status" in row ? [reason] : []));
  const own = reasons.filter((reason) => decidingStep(reason, "a policy").name !== "a policy");
  expect(reasons.filter((reason) => !own.includes(reason)).toSorted()).toEqual(OF_POLICIES.toSorted());
  expect(new Set(own.map((reason) => decidingStep(reason, "a policy").name))).toEqual(
    new Set(["handshake", "route", "capacity", "store", "backend"]),
  );
});

test.each(["toString", "__proto__", "FromTheFuture"])("a reason of no row, %s, belongs to its policy", (reason) => {
  expect(decidingStep(reason, "deny")).toEqual({ name: "deny", reason });
});
