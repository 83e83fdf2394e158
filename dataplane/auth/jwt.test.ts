import { beforeEach, expect, test } from "vitest";
import { AuthBench, json, ScriptedIdp, settings, settle } from "../../test/fakes/idp-bench.ts";
import { Signer } from "../../test/fakes/idp-signer.ts";
import { jwtVerifier } from "./jwt.ts";
import { REFRESH_INTERVAL } from "./key-set.ts";
import type { ProofOf, Verifier } from "./verifier.ts";

/** Keys that an issuer publishes, and sessions that live on. */

const ours = new Signer("ES256", "same");
const theirs = new Signer("ES256", "same");
const issuer = "https://a.test/";
const base = { issuer, audiences: ["chat"], jwks: { uri: "https://a.test/keys" } };
const asker = { subject: "192.0.2.1", signal: new AbortController().signal };

let bench: AuthBench;
let idp: ScriptedIdp;
let claims: Record<string, unknown>;

beforeEach(() => {
  bench = new AuthBench();
  idp = new ScriptedIdp(({ url }) => json({ keys: [url.startsWith(issuer) ? ours.jwk : theirs.jwk] }));
  claims = {
    iss: issuer,
    aud: "chat",
    sub: "alice",
    exp: bench.clock.wall() / 1000 + 60,
    scope: "a b",
    tenant: "acme",
  };
});

/** The verifier of one issuer, for tokens in the Authorization header. */
function compile(change: Record<string, unknown>): Verifier<"jwt"> {
  const compiled = settings({ jwt: [{ ...base, ...change }] });
  const verifier = jwtVerifier(compiled.jwt ?? [], bench.context(), idp.fetch);
  const place = { header: "authorization" };
  return { ...verifier, verify: (credential, it) => verifier.verify({ credential, place }, it) };
}

async function admitted(verifier: Verifier<"jwt">): Promise<ProofOf<"jwt">> {
  const proof = await verifier.verify(ours.token(claims), asker);
  if ("reason" in proof) throw new Error(proof.reason);
  return proof;
}

test("E14 two issuers publish the same key id: neither can speak for the other", async () => {
  const b = { issuer: "https://b.test/", jwks: { uri: "https://b.test/keys" } };
  const routes = { a: compile({}), b: compile(b) };
  const verdict = async (route: "a" | "b", signer: Signer, iss: string): Promise<string> => {
    const outcome = await routes[route].verify(signer.token({ ...claims, iss }), asker);
    return "reason" in outcome ? outcome.reason : outcome.client;
  };
  for (let turn = 0; turn < 2; turn += 1) {
    expect(await verdict("a", ours, issuer)).toBe("alice");
    expect(await verdict("b", theirs, b.issuer)).toBe("alice");
    expect(await verdict("b", ours, b.issuer)).toBe("CredentialInvalid");
    expect(await verdict("b", ours, issuer)).toBe("CredentialInvalid");
    expect(await verdict("a", theirs, issuer)).toBe("CredentialInvalid");
  }
  expect(idp.asked.map(({ url }) => url)).toEqual(["https://a.test/keys", "https://b.test/keys"]);
});

test("E14 two issuers that share an address share no keys", async () => {
  const shared = { jwks: { uri: "https://a.test/keys" } };
  await compile(shared).verify(ours.token(claims), asker);
  const b = "https://b.test/";
  await compile({ ...shared, issuer: b }).verify(ours.token({ ...claims, iss: b }), asker);
  expect(idp.asked).toHaveLength(2);
});

test("keys survive a config change, and are dropped with the last route that named them", async () => {
  await admitted(compile({}));
  bench.memory.commit();
  await admitted(compile({ requiredScopes: ["a"] }));
  bench.memory.commit();
  expect(idp.asked).toHaveLength(1);
  compile({ jwks: { keys: [ours.jwk] } });
  bench.memory.commit();
  await admitted(compile({}));
  expect(idp.asked).toHaveLength(2);
});

test("a token that cannot be good is refused without asking for keys", async () => {
  const verifier = compile({});
  for (const header of [{ alg: "none" }, { alg: "HS256" }, { kid: 5 }, { typ: "logout+jwt" }]) {
    expect(await verifier.verify(ours.token(claims, header), asker)).toMatchObject({ reason: "CredentialInvalid" });
  }
  expect(idp.asked).toHaveLength(0);
});

test("without any key of the issuer no client gets in", async () => {
  idp.answer = () => "ECONNREFUSED";
  expect(await compile({}).verify(ours.token(claims), asker)).toMatchObject({
    reason: "IdentityProviderUnavailable",
    retryAfter: 10,
  });
  expect(await compile({ jwks: {} }).verify(ours.token(claims), asker)).toMatchObject({
    reason: "IdentityProviderUnavailable",
  });
});

test("E22 a live session ends at exp and the skew, at the latest 1 s later", async () => {
  const verifier = compile({ clockSkew: "5s" });
  const ended: string[] = [];
  verifier.watch(await admitted(verifier), ({ reason }) => ended.push(reason));
  bench.clock.advance(64_999);
  expect(ended).toEqual([]);
  bench.clock.advance(1001);
  expect(ended).toEqual(["CredentialExpired"]);
});

test("a session whose token expires in 30 years waits for it", async () => {
  const verifier = compile({ jwks: { keys: [ours.jwk] } });
  claims = { ...claims, exp: 2_700_000_000 };
  const ended: string[] = [];
  const stop = verifier.watch(await admitted(verifier), ({ reason }) => ended.push(reason));
  bench.clock.advance(86_400_000);
  expect(ended).toEqual([]);
  stop();
  expect(bench.clock.pending).toBe(0);
});

test.each<[string, Record<string, unknown>, string | undefined]>([
  ["nothing", {}, undefined],
  ["another issuer", { issuer: "https://b.test/" }, "CredentialRevoked"],
  ["another audience", { audiences: ["chat2"] }, "CredentialRevoked"],
  ["one more audience", { audiences: ["chat2", "chat"] }, undefined],
  ["other algorithms", { algorithms: ["RS256"] }, "CredentialRevoked"],
  ["a scope that it has", { requiredScopes: ["a"] }, undefined],
  ["a scope that it lacks", { requiredScopes: ["c"] }, "ScopeMissing"],
  ["a claim that it has", { requiredClaims: [{ name: "tenant", values: ["acme"] }] }, undefined],
  ["a claim that it lacks", { requiredClaims: [{ name: "tenant", values: ["other"] }] }, "ClaimMismatch"],
  ["keys in the config, with its own", { jwks: { keys: [ours.jwk] } }, undefined],
  ["keys in the config, without its own", { jwks: { keys: [theirs.jwk] } }, "CredentialRevoked"],
  ["keys that are not resolved", { jwks: {} }, undefined],
  ["keys at another place, not fetched yet", { jwks: { uri: "https://a.test/other" } }, undefined],
])("a live session when the config demands %s: $2", async (_, change, wanted) => {
  const proof = await admitted(compile({}));
  expect(compile(change).review(proof)?.reason).toBe(wanted);
});

test("a config change finds what has expired meanwhile", async () => {
  const proof = await admitted(compile({}));
  bench.clock.stepWall(65_000);
  expect(compile({}).review(proof)).toMatchObject({
    reason: "CredentialExpired",
    cause: expect.stringMatching(/^the token expired at \d/),
  });
  expect(compile({ clockSkew: "1m" }).review(proof)).toBeUndefined();
});

test("a wall clock that is set forward ends a live session within a second, one that is set back not early", async () => {
  const verifier = compile({});
  const ended: string[] = [];
  const proof = await admitted(verifier);
  const stop = verifier.watch(proof, ({ reason }) => ended.push(reason));
  bench.clock.stepWall(-600_000);
  bench.clock.advance(120_000);
  expect(ended).toEqual([]);
  bench.clock.stepWall(600_000);
  bench.clock.advance(999);
  expect(ended).toEqual(["CredentialExpired"]);
  stop();
  expect(bench.clock.pending).toBe(0);
});

test("E17 a live session ends when its key has left the set, without another token to cause the refresh", async () => {
  claims = { ...claims, exp: bench.clock.wall() / 1000 + 86_400 };
  const verifier = compile({});
  const ended: string[] = [];
  const stop = verifier.watch(await admitted(verifier), ({ reason }) => ended.push(reason));
  bench.clock.advance(REFRESH_INTERVAL * 1.1);
  await settle();
  expect(idp.asked).toHaveLength(2);
  expect(ended).toEqual([]);
  idp.answer = () => json({ keys: [theirs.jwk] });
  bench.clock.advance(REFRESH_INTERVAL * 1.1);
  await settle();
  expect(ended).toEqual(["CredentialRevoked"]);
  stop();
  expect(bench.clock.pending).toBe(0);
});

test("with the issuer down for an hour a live session goes on", async () => {
  claims = { ...claims, exp: bench.clock.wall() / 1000 + 86_400 };
  const verifier = compile({});
  const ended: string[] = [];
  const stop = verifier.watch(await admitted(verifier), ({ reason }) => ended.push(reason));
  idp.answer = () => json("garbage");
  for (let minute = 0; minute < 60; minute += 1) {
    bench.clock.advance(60_000);
    await settle();
  }
  expect(ended).toEqual([]);
  expect(await admitted(verifier)).toMatchObject({ client: "alice" });
  stop();
});
