import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { AuthBench, ScriptedIdp, settings } from "../../test/fakes/idp-bench.ts";
import { segment, Signer, type Algorithm } from "../../test/fakes/idp-signer.ts";
import { jwtVerifier } from "./jwt.ts";

/** What a token must be to be accepted, where an attacker without a key chooses each of its bytes. */

const bench = new AuthBench();
const now = Math.floor(bench.clock.wall() / 1000);
const signers: Record<Algorithm, Signer> = {
  RS256: new Signer("RS256", "rsa"),
  PS256: new Signer("PS256", "pss"),
  ES256: new Signer("ES256", "ec"),
  EdDSA: new Signer("EdDSA", "ed"),
};
const rsa = signers.RS256;
const stranger = new Signer("RS256", "rsa");
const claims = { iss: "https://idp.test/", aud: ["other", "chat"], sub: "alice", exp: now + 600 };
const idp = new ScriptedIdp(() => "no request is expected");

async function verdict(
  token: string,
  more: Record<string, unknown> = {},
  keys = Object.values(signers),
): Promise<string> {
  const jwks = { keys: keys.map(({ jwk }) => jwk) };
  const { jwt = [] } = settings({ jwt: [{ issuer: claims.iss, audiences: ["chat"], jwks, ...more }] });
  const verifier = jwtVerifier(jwt, bench.context(), idp.fetch);
  const offer = { credential: token, place: { header: "authorization" } };
  const outcome = await verifier.verify(offer, { subject: "192.0.2.1", signal: new AbortController().signal });
  return "reason" in outcome ? outcome.reason : outcome.client;
}

test.each(Object.values(signers))("a token signed with $algorithm is good", async (signer) => {
  expect(await verdict(signer.token(claims))).toBe("alice");
});

test.each(Object.values(signers))(
  "a token signed with $algorithm is not good where that is not listed",
  async (signer) => {
    const algorithms = Object.keys(signers).filter((it) => it !== signer.algorithm);
    expect(await verdict(signer.token(claims), { algorithms })).toBe("CredentialInvalid");
  },
);

test("a token says Ed25519 or EdDSA (RFC 9864): it is the same algorithm", async () => {
  const { EdDSA } = signers;
  const token = EdDSA.token(claims, { alg: "Ed25519" });
  expect(await verdict(token)).toBe("alice");
  for (const alg of ["Ed25519", "EdDSA"]) {
    const keys = { keys: [{ ...EdDSA.jwk, alg }] };
    for (const it of [token, EdDSA.token(claims)]) expect(await verdict(it, { jwks: keys })).toBe("alice");
  }
  expect(await verdict(token, { algorithms: ["ES256"] })).toBe("CredentialInvalid");
  expect(await verdict(rsa.token(claims, { alg: "Ed25519" }))).toBe("CredentialInvalid");
  expect(await verdict(token, {}, [rsa])).toBe("CredentialInvalid");
});

test.each(Object.values(signers))("a token whose $algorithm signature was touched is not good", async (signer) => {
  const [header = "", payload = "", signature = ""] = signer.token(claims).split(".");
  const other = segment(JSON.stringify({ ...claims, sub: "mallory" }));
  const flipped = (signature.startsWith("A") ? "B" : "A") + signature.slice(1);
  for (const token of [
    `${header}.${payload}.${flipped}`,
    `${header}.${other}.${signature}`,
    `${header}.${payload}.${signature.slice(0, -8)}`,
    `${header}.${payload}.`,
    `${header}.${payload}`,
    `${header}.${payload}.${signature}.`,
    `${header}..${signature}`,
    ` ${header}.${payload}.${signature}`,
    `${header}.${payload}.${signature}=`,
    `${header}.${payload}.${Buffer.alloc(64).toString("base64url")}`,
  ]) {
    expect(await verdict(token)).toBe("CredentialInvalid");
  }
});

const header = (value: object): string => segment(JSON.stringify(value));
const payload = segment(JSON.stringify(claims));

test.each([
  "none",
  "None",
  "NONE",
  "nOnE",
  "",
  " none",
  undefined,
  null,
  ["RS256"],
  { alg: "RS256" },
  0,
  "rs256",
  "RSA",
  "HS256",
  "ES256K",
])("E7 alg %j is not good, with and without a signature", async (alg) => {
  const [, , signature] = rsa.token(claims).split(".");
  for (const end of ["", signature, "AA"]) {
    expect(await verdict(`${header({ alg, kid: "rsa" })}.${payload}.${end}`)).toBe("CredentialInvalid");
  }
  expect(await verdict(rsa.token(claims, { alg }))).toBe("CredentialInvalid");
});

const pem = rsa.publicKey.export({ type: "spki", format: "pem" }).toString();
const pkcs1 = rsa.publicKey.export({ type: "pkcs1", format: "pem" }).toString();
const jwkText = JSON.stringify(rsa.jwk);

test.each<[string, string]>([
  ["the PEM", pem],
  ["the PEM without its last line end", pem.trimEnd()],
  ["the PEM after a space", ` ${pem}`],
  ["the PEM after a byte order mark", `\ufeff${pem}`],
  ["the PEM with CRLF", pem.replaceAll("\n", "\r\n")],
  ["BEGIN RSA PUBLIC KEY", pkcs1],
  ["the JWK", jwkText],
  ["the JWK set", JSON.stringify({ keys: [rsa.jwk] })],
  ["the modulus", String(rsa.jwk["n"])],
  ["nothing", ""],
])("E8, E9 an HMAC keyed with %s is not good", async (_, secret) => {
  for (const alg of ["HS256", "HS384", "HS512", "RS256"]) {
    const input = `${header({ alg, kid: "rsa" })}.${payload}`;
    const hash = alg.replace(/^[HR]S/, "sha");
    const token = `${input}.${createHmac(hash, secret).update(input).digest("base64url")}`;
    expect(await verdict(token)).toBe("CredentialInvalid");
  }
});

test.each<[string, object]>([
  ["jwk", { jwk: stranger.jwk }],
  ["jku", { jku: "https://evil.test/keys" }],
  ["x5u", { x5u: "https://evil.test/cert" }],
  ["x5c", { x5c: ["MIIB"] }],
  ["x5t", { x5t: "abc" }],
  ["jku to nowhere", { jku: "http://169.254.169.254/" }],
])("E10 a key named by the token itself (%s) is not asked for", async (_, more) => {
  expect(await verdict(stranger.token(claims, more))).toBe("CredentialInvalid");
  expect(idp.asked).toEqual([]);
  // The issuer may send such fields along: they are no reason to refuse what verifies with the issuer's own key.
  expect(await verdict(rsa.token(claims, more))).toBe("alice");
});

test.each([
  "unknown",
  "../../etc/passwd",
  "' OR 1=1",
  "https://evil.test/k",
  "RSA",
  "rsa ",
  "__proto__",
  "constructor",
  "",
  0,
  null,
  ["rsa"],
  { a: 1 },
  true,
])("E12 kid %j is not good", async (kid) => {
  expect(await verdict(rsa.token(claims, { kid }))).toBe("CredentialInvalid");
});

test("E12 without kid the only key that fits verifies; of two that fit neither does", async () => {
  const token = rsa.token(claims, { kid: undefined });
  expect(await verdict(token, {}, [rsa, signers.ES256, signers.EdDSA])).toBe("alice");
  expect(await verdict(token, {}, [rsa, signers.PS256])).toBe("CredentialInvalid");
  expect(await verdict(token, {}, [signers.ES256])).toBe("CredentialInvalid");
  expect(await verdict(token, {}, [])).toBe("CredentialInvalid");
});

test("E26 a kid that is null or an empty text is as if absent", async () => {
  for (const kid of [null, ""]) {
    expect(await verdict(rsa.token(claims, { kid }), {}, [rsa, signers.ES256])).toBe("alice");
    expect(await verdict(rsa.token(claims, { kid }), {}, [rsa, signers.PS256])).toBe("CredentialInvalid");
  }
});

test("E26 a kid that no key has is tried with the keys that have none, four at most", async () => {
  const nameless = Array.from({ length: 5 }, () => new Signer("RS256"));
  const [first, , , fourth, fifth] = nameless as [Signer, Signer, Signer, Signer, Signer];
  for (const kid of ["unknown", "", undefined]) {
    expect(await verdict(first.token(claims, { kid }), {}, [signers.ES256, ...nameless])).toBe("alice");
    expect(await verdict(fourth.token(claims, { kid }), {}, nameless)).toBe("alice");
    expect(await verdict(fifth.token(claims, { kid }), {}, nameless)).toBe("CredentialInvalid");
    expect(await verdict(fourth.token({ ...claims, exp: now - 60 }, { kid }), {}, nameless)).toBe("CredentialExpired");
    expect(await verdict(stranger.token(claims, { kid }), {}, nameless)).toBe("CredentialInvalid");
  }
  // A kid that a key has means that key.
  expect(await verdict(first.token(claims, { kid: "rsa" }), {}, [rsa, first])).toBe("CredentialInvalid");
});

test("the kid of a key of another type is not good", async () => {
  expect(await verdict(rsa.token(claims, { kid: "ec" }))).toBe("CredentialInvalid");
  expect(await verdict(signers.ES256.token(claims, { alg: "RS256" }))).toBe("CredentialInvalid");
});

test.each<[string, string]>([
  ["an unknown critical extension", JSON.stringify({ alg: "RS256", kid: "rsa", crit: ["x"], x: 1 })],
  ["an unencoded payload", JSON.stringify({ alg: "RS256", kid: "rsa", crit: ["b64"], b64: false })],
  ["an empty crit", JSON.stringify({ alg: "RS256", kid: "rsa", crit: [] })],
  ["a header that is a list", JSON.stringify(["RS256"])],
  ["a header that is a string", JSON.stringify("RS256")],
  ["a header that is no JSON", "{alg:RS256}"],
  ["a header with a NUL", '{"alg":"RS256","kid":"rsa\\u0000"}'],
  ["the type of a logout token", JSON.stringify({ alg: "RS256", kid: "rsa", typ: "logout+jwt" })],
  ["a type that is no string", JSON.stringify({ alg: "RS256", kid: "rsa", typ: ["JWT"] })],
])("%s is not good", async (_, text) => {
  expect(await verdict(rsa.raw(text, JSON.stringify(claims)))).toBe("CredentialInvalid");
});

test.each(["JWT", "jwt", "at+jwt", "application/at+jwt", "JOSE", "", null])("type %j is good", async (typ) => {
  expect(await verdict(rsa.token(claims, { typ }))).toBe("alice");
});

test.each(["", "null", "[]", '"x"', "{", "\ufeff{}", "{}"])("claims %j are not good", async (text) => {
  expect(await verdict(rsa.raw('{"alg":"RS256","kid":"rsa"}', text))).toBe("CredentialInvalid");
});

test.each<[string, object, string]>([
  ["another issuer", { iss: "https://idp.test" }, "CredentialInvalid"],
  ["an issuer in a list", { iss: ["https://idp.test/"] }, "CredentialInvalid"],
  ["no issuer", { iss: undefined }, "CredentialInvalid"],
  ["the audience alone", { aud: "chat" }, "alice"],
  ["another audience", { aud: "chat2" }, "CredentialInvalid"],
  ["an empty list of audiences", { aud: [] }, "CredentialInvalid"],
  ["no audience", { aud: undefined }, "CredentialInvalid"],
  ["the audience as a key", { aud: { chat: true } }, "CredentialInvalid"],
  ["no exp", { exp: undefined }, "CredentialInvalid"],
  ["exp as a string", { exp: String(now + 600) }, "CredentialInvalid"],
  ["exp null", { exp: null }, "CredentialInvalid"],
  ["exp just within the skew", { exp: now - 4 }, "alice"],
  ["exp at the end of the skew", { exp: now - 5 }, "CredentialExpired"],
  ["exp negative", { exp: -1 }, "CredentialExpired"],
  ["nbf within the skew", { nbf: now + 5 }, "alice"],
  ["nbf beyond the skew", { nbf: now + 6 }, "CredentialInvalid"],
  ["nbf as a string", { nbf: "0" }, "CredentialInvalid"],
  ["iat in the far future", { iat: now + 1e6 }, "alice"],
  ["an expired token of another issuer", { iss: "x", exp: 1 }, "CredentialInvalid"],
])("%s: $2", async (_, more, wanted) => {
  expect(await verdict(rsa.token({ ...claims, ...more }))).toBe(wanted);
});

test("an exp beyond all numbers is not good", async () => {
  const text = JSON.stringify(claims).replace(`"exp":${claims.exp}`, '"exp":1e400');
  expect(await verdict(rsa.raw('{"alg":"RS256","kid":"rsa"}', text))).toBe("CredentialInvalid");
});

test.each<[string, unknown]>([
  ["a line end", "a\r\nX-Admin: 1"],
  ["a letter beyond ASCII", "é"],
  ["64 kB", "a".repeat(65_536)],
  ["257 characters", "a".repeat(257)],
  ["nothing in it", ""],
  ["a space", "a b"],
  ["a NUL", "a\0"],
  ["an object", { a: 1 }],
  ["a list", ["alice"]],
  ["a number with a fraction", 7.5],
  ["a number of many digits", 2 ** 53],
  ["a number with an exponent", 1e21],
  ["null", null],
  ["none", undefined],
])("D10 a client claim with %s is not good", async (_, sub) => {
  expect(await verdict(rsa.token({ ...claims, sub }))).toBe("CredentialInvalid");
});

test("another claim may name the client, but none that every object inherits", async () => {
  const token = rsa.token({ ...claims, email: "alice@example.com" });
  expect(await verdict(token, { clientClaim: "email" })).toBe("alice@example.com");
  expect(await verdict(token, { clientClaim: "constructor" })).toBe("CredentialInvalid");
});

test.each<[object, string]>([
  [{ scope: "a chat:connect b" }, "alice"],
  [{ scp: ["chat:connect"] }, "alice"],
  [{ scp: "chat:connect" }, "alice"],
  [{ scope: ["chat:connect"] }, "alice"],
  [{ scope: "chat:connect2" }, "ScopeMissing"],
  [{ scope: "chat:connect,b" }, "ScopeMissing"],
  [{ scope: { "chat:connect": true } }, "ScopeMissing"],
  [{}, "ScopeMissing"],
])("with the required scope chat:connect, %j: %s", async (more, wanted) => {
  expect(await verdict(rsa.token({ ...claims, ...more }), { requiredScopes: ["chat:connect"] })).toBe(wanted);
});

test.each<[object, string]>([
  [{ tenant: "acme" }, "alice"],
  [{ tenant: ["x", "acme"] }, "alice"],
  [{ tenant: 3 }, "alice"],
  [{ tenant: true }, "alice"],
  [{ tenant: "ACME" }, "ClaimMismatch"],
  [{ tenant: ["acme", "x"].join() }, "ClaimMismatch"],
  [{ tenant: { acme: 1 } }, "ClaimMismatch"],
  [{ tenant: [["acme"]] }, "ClaimMismatch"],
  [{ tenant: [] }, "ClaimMismatch"],
  [{ tenant: null }, "ClaimMismatch"],
  [{}, "ClaimMismatch"],
])("with the required claim tenant, %j: %s", async (more, wanted) => {
  const requiredClaims = [{ name: "tenant", values: ["acme", "3", "true"] }];
  expect(await verdict(rsa.token({ ...claims, ...more }), { requiredClaims })).toBe(wanted);
});

test("a skew of less than a second counts", async () => {
  const token = rsa.token({ ...claims, nbf: now + 0.2 });
  expect(await verdict(token, { clockSkew: "250ms" })).toBe("alice");
  expect(await verdict(token, { clockSkew: "0s" })).toBe("CredentialInvalid");
});

test("a token is refused from exp and the skew on, to the millisecond", async () => {
  const token = rsa.token({ ...claims, exp: now });
  bench.clock.advance(499);
  expect(await verdict(token, { clockSkew: "500ms" })).toBe("alice");
  bench.clock.advance(1);
  expect(await verdict(token, { clockSkew: "500ms" })).toBe("CredentialExpired");
});

test("none of the tests above sent a request to the issuer", () => {
  expect(idp.asked).toEqual([]);
});
