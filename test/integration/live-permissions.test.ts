import { afterEach, beforeEach, expect, test } from "vitest";
import type { Config } from "../../api/config.ts";
import { apiKey, digestOf, keyOf, withKeys } from "../fakes/api-keys.ts";
import { RawBackend } from "../fakes/backends.ts";
import { RawClient, reasonOf, request } from "../fakes/clients.ts";
import { FakeClock } from "../fakes/clock.ts";
import { configOf, endpointsOf } from "../fakes/config.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { Signer } from "../fakes/idp-signer.ts";
import { Live, type ClientParts } from "../fakes/live.ts";
import { until } from "../fakes/sockets.ts";

let backend: RawBackend;
let gateway: TestGateway;
let clock: FakeClock;

beforeEach(async () => {
  clock = new FakeClock();
  backend = await new RawBackend().open();
  gateway = new TestGateway(clock);
});
afterEach(async () => {
  await gateway.close();
  await backend.close();
});

const signer = new Signer("ES256", "k1");
const jwt = { issuer: "https://idp.test/", audiences: ["chat"], jwks: { keys: [signer.jwk] } };
const claims = (jti: string): object => ({
  ...{ iss: "https://idp.test/", aud: "chat", sub: "carol", jti, tenant: "acme", scope: "connect" },
  exp: Math.floor(clock.wall() / 1000) + 3600,
});
const bearer = (jti: string): Record<string, string> => ({ Authorization: `Bearer ${signer.token(claims(jti))}` });

const open = (parts: ClientParts): Promise<Live> => Live.open(gateway, backend, parts);

async function change(policies: object): Promise<void> {
  const config = configOf({
    trustedProxies: ["127.0.0.1"],
    routes: [{ policies: policies as Record<string, unknown> }],
  });
  expect(await gateway.apply(config, endpointsOf([backend.port]))).toMatchObject({ ok: true });
}

const both = { authentication: { require: "Any", apiKey: apiKey(["alice", "bob"]), jwt: [jwt] } };
const any = (part: object): object => ({ authentication: { ...both.authentication, ...part } });
const deny = (part: object): object => ({ ...both, deny: { clients: [], tokenIds: [], addresses: [], ...part } });
const past = "2025-12-31T23:59:59Z";

test.each<[string, object, string, ("alice" | "bob" | "t1" | "t2")[]]>([
  ["a key removed", any({ apiKey: apiKey(["bob"]) }), "3000 CredentialRevoked", ["alice"]],
  [
    "a key replaced",
    any({ apiKey: apiKey([{ client: "alice", key: "x".repeat(20) }, "bob"]) }),
    "3000 CredentialRevoked",
    ["alice"],
  ],
  [
    "a key given to another client",
    any({ apiKey: apiKey([{ client: "eve", key: keyOf("alice") }, "bob"]) }),
    "3000 CredentialRevoked",
    ["alice"],
  ],
  [
    "a key disabled",
    any({ apiKey: apiKey([{ client: "alice", disabled: true }, "bob"]) }),
    "3000 CredentialRevoked",
    ["alice"],
  ],
  [
    "a key expired",
    any({ apiKey: apiKey([{ client: "alice", expiresAt: past }, "bob"]) }),
    "3000 CredentialExpired",
    ["alice"],
  ],
  ["all keys removed", any({ apiKey: apiKey([]) }), "3000 CredentialRevoked", ["alice", "bob"]],
  [
    "the method removed",
    { authentication: { require: "All", jwt: [jwt] } },
    "3000 CredentialRevoked",
    ["alice", "bob"],
  ],
  ["both methods required", any({ require: "All" }), "3000 CredentialRevoked", ["alice", "bob", "t1", "t2"]],
  ["a signing key removed", any({ jwt: [{ ...jwt, jwks: { keys: [] } }] }), "3000 CredentialRevoked", ["t1", "t2"]],
  ["a scope required", any({ jwt: [{ ...jwt, requiredScopes: ["admin"] }] }), "3003 ScopeMissing", ["t1", "t2"]],
  [
    "a claim required",
    any({ jwt: [{ ...jwt, requiredClaims: [{ name: "tenant", values: ["x"] }] }] }),
    "3003 ClaimMismatch",
    ["t1", "t2"],
  ],
  ["a client denied", deny({ clients: ["alice"] }), "3003 Denied", ["alice"]],
  ["a token's client denied", deny({ clients: ["carol"] }), "3003 Denied", ["t1", "t2"]],
  ["a token denied", deny({ tokenIds: ["t2"] }), "3003 Denied", ["t2"]],
  ["an address denied", deny({ addresses: ["192.0.2.2/32"] }), "3003 Denied", ["bob"]],
  ["a network denied", deny({ addresses: ["192.0.2.0/24"] }), "3003 Denied", ["alice", "bob", "t1", "t2"]],
  ["the route opened", { authentication: { require: "None" } }, "", []],
  [
    "a second key for a client",
    any({ apiKey: apiKey(["alice", { client: "alice", key: "y".repeat(20) }, "bob"]) }),
    "",
    [],
  ],
  [
    "a disabled key that no session uses",
    any({ apiKey: apiKey(["alice", "bob", { client: "x", disabled: true }]) }),
    "",
    [],
  ],
])("%s ends the sessions that stood on it, idle as they are, and no other", async (_, policies, told, losers) => {
  await change(both);
  const sessions = {
    alice: await open({ client: "alice", address: "192.0.2.1" }),
    bob: await open({ client: "bob", address: "192.0.2.2" }),
    t1: await open({ headers: bearer("t1"), address: "192.0.2.3" }),
    t2: await open({ headers: bearer("t2"), address: "192.0.2.4" }),
  };
  clock.advance(25_000);
  await change(policies);
  for (const [name, live] of Object.entries(sessions)) {
    if (losers.some((loser) => loser === name)) expect(await live.ended()).toEqual({ toClient: told, toBackend: told });
    else await live.lives();
  }
  const reason = told.slice(5);
  expect(await gateway.metric("credential_terminations_total")).toBe(losers.length);
  if (losers.length > 0) expect(await gateway.metric("credential_terminations_total", { reason })).toBe(losers.length);
  expect(await gateway.metric("config_dropped_sessions_total")).toBe(0);
});

test.each([
  ["removed", apiKey(["bob"]), 401, "CredentialInvalid"],
  ["disabled", apiKey([{ client: "alice", disabled: true }]), 401, "CredentialRevoked"],
  ["expired", apiKey([{ client: "alice", expiresAt: past }]), 401, "CredentialExpired"],
])("a key that was %s opens nothing any more", async (_, keys, status, reason) => {
  await change(withKeys(["alice"]));
  await (await open({ client: "alice" })).lives();
  await change({ authentication: { require: "All", apiKey: keys } });
  const dialled = backend.connections.length;
  const client = await RawClient.send(gateway.port, request({ headers: { "X-Api-Key": keyOf("alice") } }));
  const answer = await client.answer();
  expect([answer.status, reasonOf(answer), answer.headers.get("www-authenticate")]).toEqual([
    ...[status, reason, 'ApiKey realm="wsproxy"'],
  ]);
  expect(backend.connections).toHaveLength(dialled);
});

test("a key that expires ends its idle session in that second, and no other session", async () => {
  const expiresAt = new Date(clock.wall() + 90_000).toISOString();
  await change({ ...withKeys([{ client: "alice", expiresAt }, "bob"]), keepalive: { interval: "0s" } });
  const [alice, bob] = [await open({ client: "alice" }), await open({ client: "bob" })];
  clock.advance(89_999);
  await alice.lives();
  clock.advance(1);
  expect(await alice.ended()).toEqual({ toClient: "3000 CredentialExpired", toBackend: "3000 CredentialExpired" });
  await bob.lives();
  clock.advance(2000); // neither far end hangs up by itself
  await until("it is counted", () => gateway.sessions === 1);
  expect(
    await gateway.metric("connections_closed_total", { code: "3000", reason: "CredentialExpired", by: "gateway" }),
  ).toBe(1);
});

test.each([
  ["later", 3_600_000, 3_600_000],
  ["sooner", 10_000, 10_000],
])("an expiry that is changed to %s holds for the session that is open", async (_, ms, ends) => {
  const expiring = (after: number): object => ({
    ...withKeys([{ client: "alice", expiresAt: new Date(clock.wall() + after).toISOString() }]),
    keepalive: { interval: "0s" },
  });
  await change(expiring(60_000));
  const live = await open({ client: "alice" });
  await change(expiring(ms));
  clock.advance(ends - 1);
  await live.lives();
  clock.advance(1);
  expect((await live.ended()).toClient).toBe("3000 CredentialExpired");
});

test("E3 a config with a digest that is too short is refused", async () => {
  const text = JSON.stringify(configOf({ routes: [{ policies: withKeys(["alice"]) }] }));
  for (const digest of ["", digestOf("").slice(0, 20)]) {
    const config = JSON.parse(text.replace(digestOf(keyOf("alice")), digest)) as Config;
    expect(await gateway.apply(config, endpointsOf([backend.port]))).toMatchObject({ ok: false, stage: "config" });
  }
});
