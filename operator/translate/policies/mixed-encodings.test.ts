import { expect, test } from "vitest";
import type { CredentialPlace } from "../../../api/policies/credential-place.ts";
import type { PoliciesSpec } from "../../../api/policies/index.ts";
import { policyProblems } from "./policy-problems.ts";

const raw = { subprotocol: "key", encoding: "Raw" } as const;

/** Fields that are wrong where these are the places of API keys and of introspection. */
function wrong(apiKey: CredentialPlace[], introspection?: CredentialPlace[]): string[] {
  const authentication = {
    require: "All",
    apiKey: { from: apiKey, secretSelector: { matchLabels: { keys: "chat" } } },
    ...(introspection === undefined ? {} : { introspection: { from: introspection } }),
  } as unknown as PoliciesSpec["authentication"];
  return policyProblems({ authentication }, "spec.policies").map(({ at, message }) => `${at}: ${message}`);
}

const told = "is the subprotocol key in another encoding above; write one encoding, or choose another name";

test("one subprotocol has one encoding, in one method and in all of them", () => {
  expect(wrong([raw, { subprotocol: "key" }])).toEqual([
    `spec.policies.authentication.apiKey.from[1].subprotocol: ${told}`,
  ]);
  expect(wrong([{ subprotocol: "key", encoding: "Base64Url" }], [{ header: "x-token" }, raw])).toEqual([
    `spec.policies.authentication.introspection.from[1].subprotocol: ${told}`,
  ]);
});

test("the same subprotocol in the same encoding, and another one in another, are no mistake", () => {
  expect(wrong([raw, raw], [raw])).toEqual([]);
  expect(wrong([{ subprotocol: "key" }, { subprotocol: "key", encoding: "Base64Url" }])).toEqual([]);
  expect(wrong([raw, { subprotocol: "Key" }, { subprotocol: "key.x" }, { cookie: "key" }])).toEqual([]);
});
