import { expect, test } from "vitest";
import type { CredentialPlace } from "../../api/policies/credential-place.ts";
import { AuthBench, ScriptedIdp, settings } from "../../test/fakes/idp-bench.ts";
import { segment, Signer } from "../../test/fakes/idp-signer.ts";
import { jwtVerifier } from "./jwt.ts";
import type { Offer } from "./places.ts";
import type { ProofOf, Verifier } from "./verifier.ts";

/** Several issuers on one route, tokens as issuers make them, and what the log says of those that are refused. */

const a = new Signer("ES256", "a");
const b = new Signer("ES256", "b");
const A = { issuer: "https://a.test/", audiences: ["chat"], jwks: { keys: [a.jwk] } };
const B = { issuer: "https://b.test/", audiences: ["other"], jwks: { keys: [b.jwk] }, from: [{ query: "token" }] };
const HEADER = { header: "authorization" };
const QUERY = { query: "token" };
const asker = { subject: "192.0.2.1", signal: new AbortController().signal };

const bench = new AuthBench();
const now = bench.clock.wall() / 1000;
const idp = new ScriptedIdp(() => "no request is expected");
const claims = { iss: A.issuer, aud: "chat", sub: "alice", exp: now + 60 };
const byB = { ...claims, iss: B.issuer, aud: "other", sub: "bob" };

function compile(...jwt: object[]): Verifier<"jwt", Offer> {
  return jwtVerifier(settings({ jwt }).jwt ?? [], bench.context(), idp.fetch);
}

/** The client, or the reason and what the log says of it. */
async function verdict(
  token: string,
  entries: readonly object[] = [A, B],
  place: CredentialPlace = HEADER,
): Promise<string> {
  const outcome = await compile(...entries).verify({ credential: token, place }, asker);
  return "reason" in outcome ? `${outcome.reason}: ${outcome.cause}` : outcome.client;
}

async function admitted(token: string, place: CredentialPlace = HEADER): Promise<ProofOf<"jwt">> {
  const outcome = await compile(A, B).verify({ credential: token, place }, asker);
  if ("reason" in outcome) throw new Error(outcome.cause ?? outcome.reason);
  return outcome;
}

test("the issuer of a token picks its entry, whatever the order of entries", async () => {
  for (const entries of [
    [A, B],
    [B, A],
  ]) {
    expect(await verdict(a.token(claims), entries)).toBe("alice");
    expect(await verdict(b.token(byB), entries, QUERY)).toBe("bob");
  }
});

test("an entry's keys, audiences and algorithms are good for its own issuer only", async () => {
  expect(await verdict(a.token(byB), [A, B], QUERY)).toMatch(
    /^CredentialInvalid: the key set has no key with the kid "a"/,
  );
  expect(await verdict(b.token({ ...byB, aud: "chat" }), [A, B], QUERY)).toMatch(/^CredentialInvalid: the audience/);
  const rs = { ...B, algorithms: ["RS256"] };
  expect(await verdict(b.token(byB), [A, rs], QUERY)).toMatch(/^CredentialInvalid: the algorithm "ES256"/);
});

test("a token in a place that only another issuer's entry has is refused", async () => {
  expect(await verdict(b.token(byB))).toBe(
    'CredentialInvalid: the issuer "https://b.test/" has no tokens in header authorization',
  );
  expect(await verdict(a.token(claims), [A, B], QUERY)).toMatch(/has no tokens in query token$/);
  expect(await verdict(a.token(claims), [A, B], { header: "Authorization" })).toBe("alice");
});

test("a doubled iss is read once: the entry that it picks is the one that verifies", async () => {
  const twice = (first: string, second: string): string =>
    JSON.stringify(claims).replace(`"iss":"${A.issuer}"`, `"iss":"${first}","iss":"${second}"`);
  const header = '{"alg":"ES256","kid":"a"}';
  expect(await verdict(a.raw(header, twice(B.issuer, A.issuer)))).toBe("alice");
  expect(await verdict(a.raw(header, twice(A.issuer, B.issuer)))).toMatch(/^CredentialInvalid: /);
});

const long = "x".repeat(3000);

test.each<[string, string, string]>([
  [
    "of an unknown issuer",
    a.token({ ...claims, iss: "https://c.test/" }),
    'the issuer is "https://c.test/", which the route does not accept',
  ],
  [
    "of an issuer but for a slash",
    a.token({ ...claims, iss: "https://a.test" }),
    'the issuer is "https://a.test", which the route',
  ],
  ["without issuer", a.token({ ...claims, iss: undefined }), "the issuer is absent, which the route"],
  [
    "with an issuer that is a list",
    a.token({ ...claims, iss: [A.issuer] }),
    'the issuer is ["https://a.test/"], which the route',
  ],
  ["for another audience", a.token({ ...claims, aud: "shop" }), 'the audience is "shop", which the route'],
  [
    "for several other audiences",
    a.token({ ...claims, aud: ["1", "2", "3", "4"] }),
    'the audience is ["1", "2", "3"] and 1 more, which the route',
  ],
  ["without audience", a.token({ ...claims, aud: undefined }), "the audience is absent, which the route"],
  ["by an unknown key", a.token(claims, { kid: "old" }), 'the key set has no key with the kid "old"'],
  [
    "with another signature",
    `${a.token(claims).split(".").slice(0, 2).join(".")}.${segment(Buffer.alloc(64, 7))}`,
    "the signature is not by the issuer's key",
  ],
  [
    "that is not valid yet",
    a.token({ ...claims, nbf: now + 60 }),
    `the token is not valid before ${new Date((now + 60) * 1000).toISOString()}`,
  ],
  ["without exp", a.token({ ...claims, exp: undefined }), "the claim exp is missing"],
  ["with an exp that is no time", a.token({ ...claims, exp: "soon" }), "the claim exp is not valid"],
  ["with another algorithm", a.token(claims, { alg: "HS256" }), 'the algorithm "HS256" is not accepted'],
  ["of another type", a.token(claims, { typ: "logout+jwt" }), 'the type "logout+jwt" is not that of an access token'],
  ["without a client", a.token({ ...claims, sub: undefined }), 'the claim "sub" is no client id'],
  ["that is none", "opaque", "the token is not a signed JWT"],
  ["without claims", `${segment('{"alg":"ES256"}')}..AA`, "the token is not a signed JWT"],
])("the log says why a token %s is refused", async (_, token, words) => {
  expect(await verdict(token)).toContain(`CredentialInvalid: ${words}`);
});

test("an entry without audiences looks at its required claims instead", async () => {
  const cognito = { ...A, audiences: [], requiredClaims: [{ name: "client_id", values: ["chat"] }] };
  const token = (more: object): string => a.token({ ...claims, aud: undefined, ...more });
  expect(await verdict(token({ client_id: "chat" }), [cognito])).toBe("alice");
  expect(await verdict(token({ client_id: "chat", aud: "shop" }), [cognito])).toBe("alice");
  expect(await verdict(token({ client_id: "shop" }), [cognito])).toMatch(/^ClaimMismatch/);
  expect(await verdict(token({}), [cognito])).toMatch(/^ClaimMismatch/);
  const [proof, other] = [await admitted(a.token({ ...claims, client_id: "chat" })), await admitted(a.token(claims))];
  expect(compile(cognito).review(proof)).toBeUndefined();
  expect(compile(cognito).review(other)?.reason).toBe("ClaimMismatch");
});

test("the log says when a token expired", async () => {
  const outcome = await verdict(a.token({ ...claims, exp: now - 60 }));
  expect(outcome).toBe(`CredentialExpired: the token expired at ${new Date((now - 60) * 1000).toISOString()}`);
});

test("the log says which scope or claim is missing", async () => {
  const required = {
    ...A,
    requiredScopes: ["a"],
    requiredClaims: [{ path: ["realm_access", "roles"], values: ["chat"] }],
  };
  expect(await verdict(a.token(claims), [required])).toBe('ScopeMissing: the scope "a" is missing');
  expect(await verdict(a.token({ ...claims, scope: "a" }), [required])).toBe(
    'ClaimMismatch: the claim "realm_access.roles" has none of the values that are required',
  );
});

test("what the log quotes of a token is bounded and on one line", async () => {
  const lines = `a\r\n\u2028${long}`;
  for (const token of [
    a.token({ ...claims, iss: lines }),
    a.token({ ...claims, aud: lines }),
    a.token({ ...claims, aud: [lines, lines, lines, lines] }),
    a.token(claims, { kid: lines }),
    a.token(claims, { alg: lines }),
    a.token(claims, { typ: lines }),
  ]) {
    const words = await verdict(token);
    expect(words).toMatch(/^CredentialInvalid: [\x20-\x7e\u2026]+$/);
    expect(words.length).toBeLessThan(500);
  }
});

test.each<[string, object[], string | undefined]>([
  ["nothing", [A, B], undefined],
  ["the other order", [B, A], undefined],
  ["one more issuer", [{ ...A, issuer: "https://c.test/" }, A, B], undefined],
  ["the other issuer gone", [A], undefined],
  ["the other issuer's keys gone", [A, { ...B, jwks: { keys: [] } }], undefined],
  ["other places", [{ ...A, from: [{ cookie: "t" }] }, B], undefined],
  ["its issuer gone", [B], "CredentialRevoked"],
  ["its audience gone", [{ ...A, audiences: ["other"] }, B], "CredentialRevoked"],
  ["its keys gone", [{ ...A, jwks: B.jwks }, B], "CredentialRevoked"],
  [
    "its keys with the other issuer",
    [
      { ...A, jwks: B.jwks },
      { ...B, jwks: A.jwks },
    ],
    "CredentialRevoked",
  ],
])("a live session after a change to %s: $2", async (_, entries, wanted) => {
  const proof = await admitted(a.token(claims));
  expect(compile(...entries).review(proof)?.reason).toBe(wanted);
});

test("a live session of any issuer ends when its token expires", async () => {
  const verifier = compile(A, B);
  const ended: string[] = [];
  const stops = [
    verifier.watch(await admitted(a.token(claims)), ({ reason }) => ended.push(`a ${reason}`)),
    verifier.watch(await admitted(b.token({ ...byB, exp: now + 600 }), QUERY), ({ reason }) =>
      ended.push(`b ${reason}`),
    ),
  ];
  bench.clock.advance(66_000);
  expect(ended).toEqual(["a CredentialExpired"]);
  stops.forEach((stop) => stop());
});
