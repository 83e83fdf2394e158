import { beforeEach, expect, test } from "vitest";
import { AuthBench, json, ScriptedIdp, settings, settle } from "../../test/fakes/idp-bench.ts";
import type { Answer } from "./guarded-fetch.ts";
import { introspectionVerifier } from "./introspection.ts";
import type { ProofOf, Verifier } from "./verifier.ts";

const base = {
  endpoint: "https://idp.test/introspect",
  credentials: { username: "gate way", password: "p:w+" },
  cache: "30s",
  recheck: "30s",
};
const asker = { subject: "192.0.2.1", signal: new AbortController().signal };

let bench: AuthBench;
let idp: ScriptedIdp;
let active: Record<string, unknown>;

beforeEach(() => {
  bench = new AuthBench();
  active = { active: true, client_id: "mobile", scope: "a b", exp: bench.clock.wall() / 1000 + 3600 };
  idp = new ScriptedIdp(() => json(active));
});

function compile(change: Record<string, unknown> = {}): Verifier<"introspection"> {
  const compiled = settings({ introspection: { ...base, ...change } });
  if (compiled.introspection === undefined) throw new Error("no introspection");
  return introspectionVerifier(compiled.introspection, bench.context(), idp.fetch);
}

async function verdict(verifier: Verifier<"introspection">, token = "opaque"): Promise<string> {
  const outcome = await verifier.verify(token, asker);
  return "reason" in outcome ? outcome.reason : outcome.client;
}

async function admitted(verifier: Verifier<"introspection">): Promise<ProofOf<"introspection">> {
  const outcome = await verifier.verify("opaque", asker);
  if ("reason" in outcome) throw new Error(outcome.reason);
  return outcome;
}

test("the issuer is asked with the token in the body and the gateway's own credentials", async () => {
  expect(await admitted(compile())).toMatchObject({ client: "mobile", token: "opaque", claims: { scope: "a b" } });
  const [ask] = idp.asked;
  expect(ask).toMatchObject({
    url: base.endpoint,
    allowHttp: false,
    body: "token_type_hint=access_token&token=opaque",
  });
  // RFC 6749 §2.3.1: form-encoded first.
  expect(ask?.headers?.["authorization"]).toBe(`Basic ${btoa("gate+way:p%3Aw%2B")}`);
});

test("members of the answer that are null are as if absent", async () => {
  active = { active: true, client_id: "mobile", exp: null, nbf: null, scope: null, sub: null };
  expect(await admitted(compile())).toMatchObject({ client: "mobile", claims: { client_id: "mobile" } });
  active = { ...active, client_id: null };
  expect(await verdict(compile(), "another")).toBe("CredentialInvalid");
});

const cause = async (change: Record<string, unknown>, config = {}): Promise<unknown> => {
  active = { ...active, ...change };
  const outcome = await compile(config).verify("opaque", asker);
  return "reason" in outcome ? [outcome.reason, outcome.cause] : outcome.client;
};

test.each<[Record<string, unknown>, object, string, string]>([
  [{ active: false }, {}, "CredentialInvalid", "the issuer says that the token is not active"],
  [{ exp: 1 }, {}, "CredentialExpired", "the exp of the issuer's answer has passed"],
  [{ nbf: 9e9 }, {}, "CredentialInvalid", "the nbf of the issuer's answer is in the future"],
  [{}, { clientClaim: "sub" }, "CredentialInvalid", "the field sub of the issuer's answer is no client id"],
  [{}, { requiredScopes: ["a", "c", "d"] }, "ScopeMissing", "no scope c, d"],
])("the cause says what the issuer's answer %j lacks", async (change, config, ...wanted) => {
  expect(await cause(change, config)).toEqual(wanted);
});

const html: Answer = { status: 200, contentType: "text/html", body: Buffer.from("<html>") };

test.each<[string, Answer | string | (() => unknown), string]>([
  ["active:false", json({ active: false }), "CredentialInvalid"],
  ["active:false and claims", json({ active: false, client_id: "mobile" }), "CredentialInvalid"],
  ["an error", json({ active: true, client_id: "mobile" }, 500), "IdentityProviderUnavailable"],
  ["that our credentials are wrong", json({ error: "invalid_client" }, 401), "IdentityProviderUnavailable"],
  ["that it knows no tokens of this form", json({ error: "unsupported_token_type" }, 400), "CredentialInvalid"],
  ["that it does not understand", json({ error: "invalid_request" }, 400), "IdentityProviderUnavailable"],
  ["a redirect", { status: 302, contentType: undefined, body: Buffer.alloc(0) }, "IdentityProviderUnavailable"],
  ["no content", { status: 204, contentType: undefined, body: Buffer.alloc(0) }, "IdentityProviderUnavailable"],
  ["an upgrade", { status: 101, contentType: undefined, body: Buffer.alloc(0) }, "IdentityProviderUnavailable"],
  [
    "a status that is none",
    { status: 999, contentType: undefined, body: Buffer.alloc(0) },
    "IdentityProviderUnavailable",
  ],
  ["nothing in time", "no answer in time", "IdentityProviderUnavailable"],
  ["{}", json({}), "IdentityProviderUnavailable"],
  ["[]", json([{ active: true }]), "IdentityProviderUnavailable"],
  ["true", json(true), "IdentityProviderUnavailable"],
  ["active as a string", json({ active: "true", client_id: "mobile" }), "IdentityProviderUnavailable"],
  ["active as a number", json({ active: 1, client_id: "mobile" }), "IdentityProviderUnavailable"],
  ["HTML", html, "IdentityProviderUnavailable"],
  [
    "JSON that says it is text",
    { ...json({ active: true, client_id: "mobile" }), contentType: "text/plain" },
    "mobile",
  ],
  ["half an answer", { ...html, contentType: "application/json" }, "IdentityProviderUnavailable"],
  ["exp as a string", json({ active: true, client_id: "mobile", exp: "9999999999" }), "IdentityProviderUnavailable"],
  ["exp in the past", json({ active: true, client_id: "mobile", exp: 1 }), "CredentialExpired"],
  ["no exp", json({ active: true, client_id: "mobile" }), "mobile"],
  ["nbf in the future", json({ active: true, client_id: "mobile", nbf: 9_999_999_999 }), "CredentialInvalid"],
  ["no client", json({ active: true }), "CredentialInvalid"],
  ["a client that ends a line", json({ active: true, client_id: "a\r\nX: 1" }), "CredentialInvalid"],
])("E21 an issuer that answers with %s", async (_, answer, wanted) => {
  idp.answer = () => answer as Answer | string;
  expect(await verdict(compile())).toBe(wanted);
  // The remembered answer gives the same.
  expect(await verdict(compile())).toBe(wanted);
});

test("scopes and another client claim are held as with signed tokens", async () => {
  active = { ...active, username: "alice" };
  expect(await verdict(compile({ requiredScopes: ["a", "b"], clientClaim: "username" }))).toBe("alice");
  expect(await verdict(compile({ requiredScopes: ["c"] }))).toBe("ScopeMissing");
});

test("an active answer is reused for as long as cache says, over config changes too", async () => {
  await verdict(compile());
  bench.clock.advance(29_999);
  expect(await verdict(compile())).toBe("mobile");
  expect(idp.asked).toHaveLength(1);
  bench.clock.advance(1);
  await verdict(compile());
  expect(idp.asked).toHaveLength(2);
});

test("an active answer is not reused beyond its exp", async () => {
  active = { ...active, exp: bench.clock.wall() / 1000 + 10 };
  await verdict(compile());
  bench.clock.advance(10_000);
  idp.answer = () => json({ active: false });
  expect(await verdict(compile())).toBe("CredentialInvalid");
});

test("with cache 0s each handshake asks", async () => {
  await verdict(compile({ cache: "0s" }));
  await verdict(compile({ cache: "0s" }));
  expect(idp.asked).toHaveLength(2);
});

test("an inactive answer stands for one second, and never for another token", async () => {
  idp.answer = ({ body }) => json(body?.includes("bad") === true ? { active: false } : active);
  expect(await verdict(compile(), "bad")).toBe("CredentialInvalid");
  expect(await verdict(compile(), "bad")).toBe("CredentialInvalid");
  expect(await verdict(compile(), "good")).toBe("mobile");
  expect(idp.asked).toHaveLength(2);
  bench.clock.advance(1000);
  idp.answer = () => json(active);
  expect(await verdict(compile(), "bad")).toBe("mobile");
});

test("an answer of one route's issuer counts for no other issuer", async () => {
  idp.answer = ({ url }) => json(url === base.endpoint ? active : { active: false });
  expect(await verdict(compile())).toBe("mobile");
  expect(await verdict(compile({ endpoint: "https://other.test/introspect" }))).toBe("CredentialInvalid");
});

test("100 handshakes with one token ask once; one of them leaving changes nothing", async () => {
  let answer = (_: Answer): void => {};
  idp.answer = () => new Promise((resolve) => (answer = resolve));
  const leaving = new AbortController();
  const left = compile().verify("opaque", { ...asker, signal: leaving.signal });
  const others = Array.from({ length: 100 }, () => verdict(compile()));
  leaving.abort();
  expect(await left).toMatchObject({ reason: "IdentityProviderUnavailable" });
  answer(json(active));
  expect(new Set(await Promise.all(others))).toEqual(new Set(["mobile"]));
  expect(idp.asked).toHaveLength(1);
});

test("a flood of made-up tokens from one address leaves half of the 256 turns to the others", async () => {
  idp.answer = () => new Promise(() => {});
  const from = (subject: string, token: string): Promise<unknown> => compile().verify(token, { ...asker, subject });
  const flood = Array.from({ length: 1000 }, (_, index) => from("192.0.2.1", `made-up-${index}`));
  await settle();
  expect(idp.asked).toHaveLength(128);
  expect(await flood[999]).toMatchObject({ reason: "IdentityProviderUnavailable", retryAfter: 1 });
  expect(bench.counted.filter((it) => it === "not asked: TooManyWaiting")).toHaveLength(1000 - 128 - 256);
  for (let other = 0; other < 200; other += 1) void from(`192.0.2.${other + 2}`, `other-${other}`);
  await settle();
  expect(idp.asked).toHaveLength(256);
  bench.clock.advance(5000);
  await settle();
  expect(bench.counted.filter((it) => it === "not asked: WaitedTooLong")).toHaveLength(256 + 200 - 128);
});

test("a token that others asked about while it waited for its turn is not asked about again", async () => {
  const answers: (() => void)[] = [];
  idp.answer = () => new Promise((resolve) => answers.push(() => resolve(json(active))));
  for (let index = 0; index < 128; index += 1) void verdict(compile(), `made-up-${index}`);
  const waiting = [verdict(compile()), verdict(compile())];
  await settle();
  expect(idp.asked).toHaveLength(128);
  answers.forEach((answer) => answer());
  await settle();
  expect(idp.asked).toHaveLength(129);
  answers[128]?.();
  expect(await Promise.all(waiting)).toEqual(["mobile", "mobile"]);
});

test("with the endpoint down a remembered answer serves, a new token does not", async () => {
  await verdict(compile());
  idp.answer = () => "ECONNREFUSED";
  expect(await verdict(compile())).toBe("mobile");
  expect(await verdict(compile(), "new")).toBe("IdentityProviderUnavailable");
  bench.clock.advance(30_000);
  expect(await verdict(compile())).toBe("IdentityProviderUnavailable");
});

test("without credentials for the issuer no new client gets in, and no session ends", async () => {
  const proof = await admitted(compile());
  const unresolved = compile({ credentials: undefined });
  expect(await verdict(unresolved)).toBe("IdentityProviderUnavailable");
  expect(unresolved.review(proof)).toBeUndefined();
});

test("no token and no password stands in a log line", async () => {
  idp.answer = () => json({ error: "opaque p:w+" }, 500);
  await verdict(compile());
  expect(bench.logged).toEqual([
    '{"host":"idp.test","fault":"the answer is not usable","message":"introspection failed"}',
  ]);
});

test("tokens that make the endpoint fail now and then do not fill the log", async () => {
  idp.answer = ({ body }) => (body?.includes("odd") === true ? json({ error: "invalid_request" }, 400) : json(active));
  for (let index = 0; index < 100; index += 1) {
    await verdict(compile(), `odd-${index}`);
    await verdict(compile(), `good-${index}`);
  }
  expect(bench.logged).toHaveLength(1);
  bench.clock.advance(10_000);
  await verdict(compile(), "good");
  await verdict(compile(), "odd");
  expect(bench.logged).toHaveLength(2);
});
