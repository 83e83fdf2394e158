import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { AuthBench, handshake, party, settings, type AuthenticationSettings } from "../../test/fakes/idp-bench.ts";
import { segment, Signer } from "../../test/fakes/idp-signer.ts";
import { ANYONE, type Identity } from "../identity.ts";
import type { Refusal } from "../rejection.ts";
import { authentication } from "./authentication.ts";
import type { PolicySteps } from "../policy.ts";

const signer = new Signer("ES256", "k1");
const bench = new AuthBench();
const claims = {
  iss: "https://idp.test/",
  aud: "chat",
  sub: "alice",
  exp: Math.floor(bench.clock.wall() / 1000) + 600,
};
const token = signer.token(claims);

const apiKey = {
  from: [{ header: "x-api-key" }, { query: "apikey" }],
  keys: [{ client: "mobile", digest: createHash("sha256").update("right-key").digest("base64url"), disabled: false }],
};
const issuer = { issuer: "https://idp.test/", audiences: ["chat"], jwks: { keys: [signer.jwk] } };
const jwt = [issuer];
const introspection = { endpoint: "https://idp.test/introspect" };

const good: [string, string] = ["x-api-key", "right-key"];
const bad: [string, string] = ["x-api-key", "wrong-key"];
const bearer = (value: string): [string, string] => ["Authorization", `Bearer ${value}`];

function compile(input: Record<string, unknown>, on = new AuthBench()): PolicySteps {
  const compiled: AuthenticationSettings = settings(input);
  return authentication(compiled, on.context());
}

async function authenticate(
  policy: PolicySteps,
  headers: [string, string][],
  signal = new AbortController().signal,
): Promise<Identity | Refusal> {
  const outcome = await policy.authenticate?.(handshake({ headers }), signal);
  if (outcome === undefined) throw new Error("nothing to authenticate with");
  return outcome;
}

async function verdict(input: Record<string, unknown>, headers: [string, string][]): Promise<string | undefined> {
  const outcome = await authenticate(compile(input), headers);
  return "reason" in outcome ? outcome.reason : outcome.client;
}

test("an open route admits every client without an identity, and watches nothing", async () => {
  const policy = compile({ require: "None" });
  expect(await authenticate(policy, [bad])).toBe(ANYONE);
  expect(policy.review).toBeUndefined();
  expect(policy.watch).toBeUndefined();
});

test.each<[string, [string, string][], string]>([
  ["both good", [good, bearer(token)], "mobile"],
  ["no key", [bearer(token)], "CredentialMissing"],
  ["no token", [good], "CredentialMissing"],
  ["another scheme than Bearer", [good, ["Authorization", "Basic x"]], "CredentialMissing"],
  ["nothing", [], "CredentialMissing"],
  ["a wrong key", [bad, bearer(token)], "CredentialInvalid"],
  ["a wrong token", [good, bearer("x")], "CredentialInvalid"],
  ["two keys", [good, good, bearer(token)], "AmbiguousCredential"],
])("All of key and token, %s: $2", async (_, headers, wanted) => {
  expect(await verdict({ require: "All", apiKey, jwt }, headers)).toBe(wanted);
});

test.each<[string, [string, string][], string]>([
  ["both good", [good, bearer(token)], "mobile"],
  ["only the token", [bearer(token)], "alice"],
  ["only the key", [good], "mobile"],
  ["nothing", [], "CredentialMissing"],
  ["a wrong key beside a good token", [bad, bearer(token)], "CredentialInvalid"],
  ["a good key beside a wrong token", [good, bearer("x")], "CredentialInvalid"],
  ["two tokens beside a good key", [good, bearer(token), bearer(token)], "AmbiguousCredential"],
])("Any of key and token, %s: $2", async (_, headers, wanted) => {
  expect(await verdict({ require: "Any", apiKey, jwt }, headers)).toBe(wanted);
});

test.each(["All", "Any"])("%s of no method refuses every client", async (require) => {
  expect(await verdict({ require }, [good, bearer(token)])).toBe("CredentialMissing");
});

test("under Any a signed token goes to jwt only, any other to introspection only", async () => {
  const input = { require: "Any", jwt, introspection };
  // Introspection has no credentials here, so it answers that it is unavailable.
  expect(await verdict(input, [bearer(token)])).toBe("alice");
  expect(await verdict(input, [bearer("opaque")])).toBe("IdentityProviderUnavailable");
  expect(await verdict(input, [bearer(`${segment("{}")}.x.y`)])).toBe("CredentialInvalid");
  expect(await verdict(input, [bearer(`${segment("[]")}.x.y`)])).toBe("IdentityProviderUnavailable");
  expect(await verdict(input, [bearer(`${segment('{"alg":"none"}')}.${segment("{}")}.`)])).toBe("CredentialInvalid");
});

test("under All a shared token must satisfy both methods", async () => {
  expect(await verdict({ require: "All", jwt, introspection }, [bearer(token)])).toBe("IdentityProviderUnavailable");
});

test("under Any each of two methods with places of their own gets its own token", async () => {
  const input = { require: "Any", jwt, introspection: { ...introspection, from: [{ header: "x-opaque" }] } };
  expect(await verdict(input, [bearer(token), ["x-opaque", "opaque"]])).toBe("IdentityProviderUnavailable");
});

test("the claims are the token's, and the proofs name the credentials", async () => {
  const identity = await authenticate(compile({ require: "All", apiKey, jwt }), [good, bearer(token)]);
  expect(identity).toMatchObject({ client: "mobile", claims, proofs: [{ method: "apiKey" }, { method: "jwt" }] });
});

test("a claim named __proto__ is a claim like any other", async () => {
  const payload = `{"__proto__":{"role":"admin"},${JSON.stringify(claims).slice(1)}`;
  const identity = await authenticate(compile({ jwt }), [bearer(signer.raw('{"alg":"ES256","kid":"k1"}', payload))]);
  expect("claims" in identity && Object.getPrototypeOf(identity.claims)).toBe(Object.prototype);
});

test("each verification is counted once, a missing credential is none", async () => {
  const on = new AuthBench();
  const policy = compile({ require: "Any", apiKey, jwt }, on);
  await authenticate(policy, []);
  expect(on.counted).toEqual([]);
  await authenticate(policy, [good, bearer("x")]);
  await authenticate(policy, [bad, bearer(token)]);
  await authenticate(policy, [good, good]);
  expect(on.counted).toEqual([
    "apiKey Accepted",
    "jwt CredentialInvalid",
    "apiKey CredentialInvalid",
    "apiKey AmbiguousCredential",
  ]);
});

test("a client that has left is not counted", async () => {
  const on = new AuthBench();
  const outcome = await authenticate(compile({ apiKey }, on), [good], AbortSignal.abort());
  expect(outcome).toMatchObject({ reason: "IdentityProviderUnavailable" });
  expect(on.counted).toEqual([]);
});

async function admitted(input: Record<string, unknown>, headers: [string, string][]): Promise<Identity> {
  const outcome = await authenticate(compile(input), headers);
  if ("reason" in outcome) throw new Error(outcome.reason);
  return outcome;
}

test.each<[string, Record<string, unknown>, [string, string][], Record<string, unknown>, string | undefined]>([
  ["nothing changed", { apiKey }, [good], { apiKey }, undefined],
  ["its method is gone", { apiKey }, [good], { jwt }, "CredentialRevoked"],
  ["one of its methods is gone", { apiKey, jwt }, [good, bearer(token)], { apiKey }, "CredentialRevoked"],
  ["a method is demanded that it never proved", { apiKey }, [good], { apiKey, jwt }, "CredentialRevoked"],
  ["a method was added that it need not prove", { apiKey }, [good], { require: "Any", apiKey, jwt }, undefined],
  ["its key is gone", { apiKey }, [good], { apiKey: { ...apiKey, keys: [] } }, "CredentialRevoked"],
  ["its route was open and is not any more", { require: "None" }, [], { apiKey }, "CredentialRevoked"],
  [
    "its signing key is gone",
    { jwt },
    [bearer(token)],
    { jwt: [{ ...issuer, jwks: { keys: [] } }] },
    "CredentialRevoked",
  ],
  ["the key set is not resolved now", { jwt }, [bearer(token)], { jwt: [{ ...issuer, jwks: {} }] }, undefined],
])("a live session when %s: $4", async (_, before, headers, after, wanted) => {
  const identity = await admitted(before, headers);
  expect(compile(after).review?.(party(identity))?.reason).toBe(wanted);
});

test("an open route asks no session for its proof", async () => {
  const identity = await admitted({ apiKey }, [good]);
  expect(compile({ require: "None" }).review?.(party(identity))).toBeUndefined();
});

test("the watch of a session ends it at the first of its proofs to go, and leaves no timer", async () => {
  const expiresAt = new Date(bench.clock.wall() + 60_000).toISOString();
  const input = { apiKey: { ...apiKey, keys: [{ ...apiKey.keys[0], expiresAt }] }, jwt };
  const on = new AuthBench();
  const policy = compile(input, on);
  const identity = await admitted(input, [good, bearer(token)]);
  const ended: string[] = [];
  const stop = policy.watch?.(party(identity), ({ reason }) => ended.push(reason));
  on.clock.advance(60_000);
  expect(ended).toEqual(["CredentialExpired"]);
  stop?.();
  expect(on.clock.pending).toBe(0);
});
