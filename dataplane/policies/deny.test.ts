import { expect, test } from "vitest";
import { clientNamed, handshakeFrom, partyOf, PolicyBench } from "../../test/fakes/policy-bench.ts";
import type { Identity, Proof } from "../identity.ts";

const lists = {
  clients: ["mallory"],
  tokenIds: ["t-1", "12345", "9007199254740993"],
  addresses: ["192.0.2.0/24", "2001:db8::/32"],
};
const on = (list: string) => ({ reason: "Denied", cause: `on the list deny.${list}` });
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
  expect(policy.screen?.(handshakeFrom(address))).toEqual(denied ? on("addresses") : undefined);
  expect(policy.review?.(partyOf("alice", address))).toEqual(denied ? on("addresses") : undefined);
});

test.each<[string, Identity, string | undefined]>([
  ["a client on the list", clientNamed("mallory"), "clients"],
  ["a client that looks like it", clientNamed("Mallory"), undefined],
  ["a client without an identity", clientNamed(), undefined],
  ["a token on the list", holder("alice", "t-1"), "tokenIds"],
  ["another token", holder("alice", "t-2"), undefined],
  ["a token without an id", holder("alice", undefined), undefined],
  ["a token whose id is a number on the list", holder("alice", 12_345), "tokenIds"],
  ["a token whose id is a number that another of the list became", holder("alice", 2 ** 53), "tokenIds"],
  ["a token whose id is another number", holder("alice", 12_346), undefined],
  ["a token with an id that is no text", holder("alice", ["t-1"]), undefined],
  [
    "a client on the list beside another of the same session",
    { ...clientNamed("alice"), proofs: [...clientNamed("alice").proofs, ...clientNamed("mallory").proofs] },
    "clients",
  ],
])("%s is denied at the handshake and on a live session: $2", (_, identity, list) => {
  const wanted = list === undefined ? undefined : on(list);
  expect(policy.admit?.(handshakeFrom("198.51.100.1"), identity)).toEqual(wanted);
  expect(policy.review?.({ ...partyOf("", "198.51.100.1"), identity })).toEqual(wanted);
});
