import { afterEach, beforeEach, expect, test } from "vitest";
import type { WsClient } from "../fakes/clients.ts";
import { FakeClock } from "../fakes/clock.ts";
import { GATEWAY, type IdentityProvider } from "../fakes/idp.ts";
import { JWT, OAuthBench, OPAQUE } from "../fakes/oauth.ts";

/** What a config change means for sessions that stand on a token. */

let clock: FakeClock;
let bench: OAuthBench;

beforeEach(async () => {
  clock = new FakeClock(Date.now());
  const claims = { tenant: "acme" };
  bench = await new OAuthBench(
    { [JWT]: { format: "jwt", claims }, [OPAQUE]: { format: "opaque", claims } },
    clock,
  ).open();
});

afterEach(() => bench.close());

const jwt = (change: object = {}): object => ({
  issuer: bench.idp.issuer,
  audiences: [JWT],
  jwks: { uri: bench.idp.jwks, allowHttp: true },
  ...change,
});
const introspection = (change: object = {}): object => ({
  endpoint: bench.idp.introspection,
  allowHttp: true,
  credentials: GATEWAY,
  ...change,
});
const published = async ({ jwks }: IdentityProvider): Promise<object> => (await (await fetch(jwks)).json()) as object;

const REVOKED = { code: 3000, reason: "CredentialRevoked" };
const SCOPE = { code: 3003, reason: "ScopeMissing" };
type End = typeof REVOKED | undefined;

/** The session has ended like this, or goes on; it is counted as what it is. */
async function fate(client: WsClient, wanted: End): Promise<void> {
  const permission = await bench.gateway.metric("credential_terminations_total", { reason: wanted?.reason ?? "" });
  expect(permission).toBe(wanted === undefined ? 0 : 1);
  expect(await bench.gateway.metric("credential_terminations_total")).toBe(permission);
  expect(await bench.gateway.metric("config_dropped_sessions_total")).toBe(0);
  if (wanted !== undefined) return expect(await client.close()).toEqual(wanted);
  client.socket.send("still here");
  expect(await client.message()).toBe("still here");
}

test.each<[string, () => object | Promise<object>, End]>([
  ["demands a scope that it lacks", () => ({ requiredScopes: ["chat:admin"] }), SCOPE],
  ["demands a scope that it has", () => ({ requiredScopes: ["chat:connect"] }), undefined],
  [
    "demands a claim that it lacks",
    () => ({ requiredClaims: [{ name: "tenant", values: ["other"] }] }),
    { code: 3003, reason: "ClaimMismatch" },
  ],
  ["demands a claim that it has", () => ({ requiredClaims: [{ name: "tenant", values: ["acme"] }] }), undefined],
  ["is for another audience", () => ({ audiences: ["urn:other"] }), REVOKED],
  ["is for one more audience", () => ({ audiences: ["urn:other", JWT] }), undefined],
  ["names another issuer", () => ({ issuer: "https://other.test" }), REVOKED],
  ["no longer takes its algorithm", () => ({ algorithms: ["ES256"] }), REVOKED],
  ["holds its key inline", async () => ({ jwks: await published(bench.idp) }), undefined],
  ["has lost its key set", () => ({ jwks: {} }), undefined],
  ["names another client claim", () => ({ clientClaim: "client_id" }), undefined],
])("a session with a JWT when the config %s", async (_, change, wanted) => {
  await bench.serve({ jwt: jwt() });
  const client = await bench.connect(await bench.token(JWT));
  await bench.serve({ jwt: jwt(await change()) });
  await fate(client, wanted);
});

test("a session whose key is replaced in the config ends; the new key's tokens are good", async () => {
  await bench.serve({ jwt: jwt({ jwks: await published(bench.idp) }) });
  const old = await bench.token(JWT);
  const client = await bench.connect(old);
  bench.idp.rotate();
  await bench.serve({ jwt: jwt({ jwks: await published(bench.idp) }) });
  await fate(client, REVOKED);
  expect(await bench.verdict(old)).toBe("401 CredentialInvalid");
  await bench.connect(await bench.token(JWT));
});

test("with the key set lost nobody new gets in", async () => {
  await bench.serve({ jwt: jwt({ jwks: {} }) });
  expect(await bench.verdict(await bench.token(JWT))).toBe("503 IdentityProviderUnavailable");
});

test.each<[string, () => object, End]>([
  ["demands a scope that it lacks", () => ({ requiredScopes: ["chat:admin"] }), SCOPE],
  ["demands a scope that it has", () => ({ requiredScopes: ["chat:connect"] }), undefined],
  ["names another client claim", () => ({ clientClaim: "tenant" }), undefined],
  ["asks more often", () => ({ recheck: "1s", cache: "0s" }), undefined],
])("a session with an opaque token when the config %s", async (_, change, wanted) => {
  await bench.serve({ introspection: introspection() });
  const client = await bench.connect(await bench.token(OPAQUE));
  await bench.serve({ introspection: introspection(change()) });
  await bench.pass(60_000);
  await fate(client, wanted);
});

test("without the credentials nobody new gets in and sessions stay; with them revocation is seen again", async () => {
  await bench.serve({ introspection: introspection() });
  const token = await bench.token(OPAQUE);
  const client = await bench.connect(token);
  await bench.serve({ introspection: introspection({ credentials: undefined }) });
  expect(await bench.verdict(token)).toBe("503 IdentityProviderUnavailable");
  await bench.idp.revoke(token);
  await bench.pass(300_000);
  expect(bench.gateway.sessions).toBe(1);
  await bench.serve({ introspection: introspection() });
  await bench.pass(30_000);
  await fate(client, REVOKED);
});

test("another endpoint is asked about live sessions at once", async () => {
  const other = await new OAuthBench({}, clock).open();
  try {
    await bench.serve({ introspection: introspection() });
    const client = await bench.connect(await bench.token(OPAQUE));
    await bench.serve({ introspection: introspection({ endpoint: other.idp.introspection }) });
    await bench.pass(1);
    await fate(client, REVOKED);
  } finally {
    await other.close();
  }
});

test("the method that a session stands on is taken away", async () => {
  await bench.serve({ require: "Any", jwt: jwt(), introspection: introspection() });
  const clients = [
    await bench.connect(await bench.token(JWT)),
    await bench.connect(await bench.token(OPAQUE)),
  ] as const;
  await bench.serve({ introspection: introspection() });
  await fate(clients[0], REVOKED);
  expect(bench.gateway.sessions).toBe(1);
});
