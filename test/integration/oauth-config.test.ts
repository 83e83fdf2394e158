import { afterEach, beforeEach, expect, test } from "vitest";
import type { WsClient } from "../fakes/clients.ts";
import { FakeClock } from "../fakes/clock.ts";
import { GATEWAY, type IdentityProvider } from "../fakes/idp.ts";
import { JWT, OAuthBench, OPAQUE } from "../fakes/oauth.ts";

/** What a config change does to sessions that were authenticated by a token. */

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

const REVOKED = "3000 CredentialRevoked";
const SCOPE = "3003 ScopeMissing";
const CLAIM = "3003 ClaimMismatch";
const LIVES = "lives";

/** How the session has ended, as its client and as the metrics say. */
async function fate(client: WsClient): Promise<string> {
  const { gateway } = bench;
  const dropped = await gateway.metric("config_dropped_sessions_total");
  const ended = await gateway.metric("credential_terminations_total");
  if (dropped === 0 && ended === 0) {
    client.socket.send(LIVES);
    return client.message();
  }
  const { code, reason } = await client.close();
  const counted = await gateway.metric("credential_terminations_total", { reason });
  return dropped === 0 && ended === 1 && counted === 1 ? `${code} ${reason}` : `${reason}, counted as something else`;
}

test.each<[string, () => object | Promise<object>, string]>([
  ["demands a scope that it lacks", () => ({ requiredScopes: ["chat:admin"] }), SCOPE],
  ["demands a scope that it has", () => ({ requiredScopes: ["chat:connect"] }), LIVES],
  ["demands a claim that it lacks", () => ({ requiredClaims: [{ name: "tenant", values: ["other"] }] }), CLAIM],
  ["demands a claim that it has", () => ({ requiredClaims: [{ name: "tenant", values: ["acme"] }] }), LIVES],
  ["is for another audience", () => ({ audiences: ["urn:other"] }), REVOKED],
  ["is for one more audience", () => ({ audiences: ["urn:other", JWT] }), LIVES],
  ["names another issuer", () => ({ issuer: "https://other.test" }), REVOKED],
  ["no longer takes its algorithm", () => ({ algorithms: ["ES256"] }), REVOKED],
  ["holds its key inline", async () => ({ jwks: await published(bench.idp) }), LIVES],
  ["has lost its key set", () => ({ jwks: {} }), LIVES],
  ["names another client claim", () => ({ clientClaim: "client_id" }), LIVES],
])("a session with a JWT when the config %s", async (_, change, wanted) => {
  await bench.serve({ jwt: [jwt()] });
  const client = await bench.connect(await bench.token(JWT));
  await bench.serve({ jwt: [jwt(await change())] });
  expect(await fate(client)).toBe(wanted);
});

test("a session whose key is replaced in the config ends; the new key's tokens are good", async () => {
  await bench.serve({ jwt: [jwt({ jwks: await published(bench.idp) })] });
  const old = await bench.token(JWT);
  const client = await bench.connect(old);
  bench.idp.rotate();
  await bench.serve({ jwt: [jwt({ jwks: await published(bench.idp) })] });
  expect(await fate(client)).toBe(REVOKED);
  expect(await bench.refusalOf(old)).toBe("401 CredentialInvalid");
  await bench.connect(await bench.token(JWT));
});

test("without the key set no new client gets in", async () => {
  await bench.serve({ jwt: [jwt({ jwks: {} })] });
  expect(await bench.refusalOf(await bench.token(JWT))).toBe("503 IdentityProviderUnavailable");
});

test.each<[string, () => object, string]>([
  ["demands a scope that it lacks", () => ({ requiredScopes: ["chat:admin"] }), SCOPE],
  ["demands a scope that it has", () => ({ requiredScopes: ["chat:connect"] }), LIVES],
  ["names another client claim", () => ({ clientClaim: "tenant" }), LIVES],
  ["asks more often", () => ({ recheck: "1s", cache: "0s" }), LIVES],
])("a session with an opaque token when the config %s", async (_, change, wanted) => {
  await bench.serve({ introspection: introspection() });
  const client = await bench.connect(await bench.token(OPAQUE));
  await bench.serve({ introspection: introspection(change()) });
  await bench.pass(60_000);
  expect(await fate(client)).toBe(wanted);
});

test("without the issuer's credentials no new client gets in and sessions stay; with them revocation is seen again", async () => {
  await bench.serve({ introspection: introspection() });
  const token = await bench.token(OPAQUE);
  const client = await bench.connect(token);
  await bench.serve({ introspection: introspection({ credentials: undefined }) });
  expect(await bench.refusalOf(token)).toBe("503 IdentityProviderUnavailable");
  await bench.idp.revoke(token);
  await bench.pass(300_000);
  expect(bench.gateway.sessions).toBe(1);
  await bench.serve({ introspection: introspection() });
  await bench.pass(30_000);
  expect(await fate(client)).toBe(REVOKED);
});

test("a new introspection endpoint is asked about live sessions at once", async () => {
  const other = await new OAuthBench({}, clock).open();
  try {
    await bench.serve({ introspection: introspection() });
    const client = await bench.connect(await bench.token(OPAQUE));
    await bench.serve({ introspection: introspection({ endpoint: other.idp.introspection }) });
    await bench.pass(1);
    expect(await fate(client)).toBe(REVOKED);
  } finally {
    await other.close();
  }
});

test("a session ends when the config drops the method that authenticated it", async () => {
  await bench.serve({ require: "Any", jwt: [jwt()], introspection: introspection() });
  const clients = [
    await bench.connect(await bench.token(JWT)),
    await bench.connect(await bench.token(OPAQUE)),
  ] as const;
  await bench.serve({ introspection: introspection() });
  expect(await fate(clients[0])).toBe(REVOKED);
  await bench.left(1);
});
