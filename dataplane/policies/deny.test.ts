import { expect, test } from "vitest";
import { clientNamed, handshakeFrom, partyOf, PolicyBench } from "../../test/fakes/policy-bench.ts";
import type { Identity, Proof } from "../identity.ts";

const lists = {
  clients: ["mallory"],
  tokenIds: ["t-1", "12345", "9007199254740993"],
  addresses: ["192.0.2.0/24", "2001:db8::/32"],
};
const policy = new PolicyBench().compile("deny", lists);

const holder = (client: string, jti: unknown): Identity => {
  const claims = jti === undefined ? {} : { jti };
  const proof: Proof = { method: "jwt", client, claims, keyId: "k", algorithm: "ES256" };
  return { client, claims, proofs: [proof] };
};

test.each([
  ["192.0.2.1", true],
  ["192.0.3.1", false],
  ["2001:db8:1::1", true],
  ["2001:db9::1", false],
])("address %s is denied before anything else is asked: %s", (address, denied) => {
  expect(policy.screen?.(handshakeFrom(address))).toEqual(denied ? { reason: "Denied" } : undefined);
  expect(policy.review?.(partyOf("alice", address))).toEqual(denied ? { reason: "Denied" } : undefined);
});

test.each<[string, Identity, boolean]>([
  ["a client on the list", clientNamed("mallory"), true],
  ["a client that looks like it", clientNamed("Mallory"), false],
  ["a client without an identity", clientNamed(), false],
  ["a token on the list", holder("alice", "t-1"), true],
  ["another token", holder("alice", "t-2"), false],
  ["a token without an id", holder("alice", undefined), false],
  ["a token whose id is a number on the list", holder("alice", 12_345), true],
  ["a token whose id is a number that another of the list became", holder("alice", 2 ** 53), true],
  ["a token whose id is another number", holder("alice", 12_346), false],
  ["a token with an id that is no text", holder("alice", ["t-1"]), false],
  [
    "a client on the list beside another of the same session",
    { ...clientNamed("alice"), proofs: [...clientNamed("alice").proofs, ...clientNamed("mallory").proofs] },
    true,
  ],
])("%s is denied at the handshake and on a live session: $2", (_, identity, denied) => {
  const wanted = denied ? { reason: "Denied" } : undefined;
  expect(policy.admit?.(handshakeFrom("198.51.100.1"), identity)).toEqual(wanted);
  expect(policy.review?.({ ...partyOf("", "198.51.100.1"), identity })).toEqual(wanted);
});
