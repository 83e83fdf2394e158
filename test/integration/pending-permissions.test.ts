import { afterEach, beforeEach, expect, test } from "vitest";
import { apiKey, keyOf } from "../fakes/api-keys.ts";
import { RawBackend } from "../fakes/backends.ts";
import { FakeClock } from "../fakes/clock.ts";
import { configOf, endpointsOf } from "../fakes/config.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { Signer } from "../fakes/idp-signer.ts";
import type { ClientParts } from "../fakes/live.ts";
import { Pending } from "../fakes/pending.ts";

let backend: RawBackend;
let gateway: TestGateway;
let clock: FakeClock;

beforeEach(async () => {
  clock = new FakeClock();
  backend = await new RawBackend(() => {}).open();
  gateway = new TestGateway(clock);
});
afterEach(async () => {
  await gateway.close();
  await backend.close();
});

const signer = new Signer("ES256", "k1");
const jwt = { issuer: "https://idp.test/", audiences: ["chat"], jwks: { keys: [signer.jwk] } };
const both = { authentication: { require: "Any", apiKey: apiKey(["alice", "bob"]), jwt: [jwt] } };
const any = (part: object): object => ({ authentication: { ...both.authentication, ...part } });
const deny = (part: object): object => ({ ...both, deny: { clients: [], tokenIds: [], addresses: [], ...part } });
const past = "2025-12-31T23:59:59Z";

async function change(policies: object, name = "main"): Promise<void> {
  const config = configOf({
    trustedProxies: ["127.0.0.1"],
    routes: [{ name, policies: policies as Record<string, unknown> }],
  });
  expect(await gateway.apply(config, endpointsOf([backend.port]))).toMatchObject({ ok: true });
}

function carol(): ClientParts {
  const claims = {
    ...{ iss: "https://idp.test/", aud: "chat", sub: "carol", jti: "t1", tenant: "acme", scope: "connect" },
    exp: Math.floor(clock.wall() / 1000) + 3600,
  };
  return { address: "192.0.2.3", headers: { Authorization: `Bearer ${signer.token(claims)}` } };
}
const senders = { alice: (): ClientParts => ({ client: "alice", address: "192.0.2.1" }), carol };

const changes: [string, "alice" | "carol", () => Promise<void>, string][] = [
  ["its key is removed", "alice", () => change(any({ apiKey: apiKey(["bob"]) })), "401 CredentialRevoked"],
  [
    "its key is replaced",
    "alice",
    () => change(any({ apiKey: apiKey([{ client: "alice", key: "x".repeat(20) }]) })),
    "401 CredentialRevoked",
  ],
  [
    "its key is given to another client",
    "alice",
    () => change(any({ apiKey: apiKey([{ client: "eve", key: keyOf("alice") }]) })),
    "401 CredentialRevoked",
  ],
  [
    "its key is disabled",
    "alice",
    () => change(any({ apiKey: apiKey([{ client: "alice", disabled: true }]) })),
    "401 CredentialRevoked",
  ],
  [
    "its key has expired",
    "alice",
    () => change(any({ apiKey: apiKey([{ client: "alice", expiresAt: past }]) })),
    "401 CredentialExpired",
  ],
  ["its method is removed", "alice", () => change({ authentication: { jwt: [jwt] } }), "401 CredentialRevoked"],
  ["another method is required beside it", "alice", () => change(any({ require: "All" })), "401 CredentialRevoked"],
  ["the client is denied", "alice", () => change(deny({ clients: ["alice"] })), "403 Denied"],
  ["the address is denied", "alice", () => change(deny({ addresses: ["192.0.2.1/32"] })), "403 Denied"],
  ["the route is removed", "alice", () => change(both, "other"), "404 RouteNotFound"],
  [
    "the key that signed it is removed",
    "carol",
    () => change(any({ jwt: [{ ...jwt, jwks: { keys: [] } }] })),
    "401 CredentialRevoked",
  ],
  [
    "another issuer is required",
    "carol",
    () => change(any({ jwt: [{ ...jwt, issuer: "https://other.test/" }] })),
    "401 CredentialRevoked",
  ],
  [
    "another audience is required",
    "carol",
    () => change(any({ jwt: [{ ...jwt, audiences: ["x"] }] })),
    "401 CredentialRevoked",
  ],
  [
    "its algorithm is withdrawn",
    "carol",
    () => change(any({ jwt: [{ ...jwt, algorithms: ["RS256"] }] })),
    "401 CredentialRevoked",
  ],
  [
    "a scope is required",
    "carol",
    () => change(any({ jwt: [{ ...jwt, requiredScopes: ["admin"] }] })),
    "403 ScopeMissing",
  ],
  [
    "a claim is required",
    "carol",
    () => change(any({ jwt: [{ ...jwt, requiredClaims: [{ name: "tenant", values: ["x"] }] }] })),
    "403 ClaimMismatch",
  ],
  ["the token's client is denied", "carol", () => change(deny({ clients: ["carol"] })), "403 Denied"],
  ["the token is denied", "carol", () => change(deny({ tokenIds: ["t1"] })), "403 Denied"],
  ["its network is denied", "carol", () => change(deny({ addresses: ["192.0.2.0/24"] })), "403 Denied"],
];

test.each(changes)(
  "a handshake is refused at once when %s while its backend is dialled",
  async (_, name, make, told) => {
    await change(both);
    const pending = await Pending.open(gateway, backend, senders[name]());
    await make();
    const [status = "", reason = ""] = told.split(" ");
    const challenge = status !== "401" ? undefined : expect.stringContaining('realm="wsproxy"');
    expect(await pending.lost()).toEqual({ told, challenge, leaked: "", left: [0, 0, 0] });
    expect(await gateway.metric("handshakes_total", { status, reason })).toBe(1);
    expect(await gateway.metric("handshakes_total")).toBe(1);
    // It was never a session.
    expect(await gateway.metric("connections_opened_total")).toBe(0);
    expect(await gateway.metric("credential_terminations_total")).toBe(0);
    expect(await gateway.metric("config_dropped_sessions_total")).toBe(0);
    expect(clock.has(60_000)).toBe(false);
  },
);

test.each<[string, () => object]>([
  ["another client's key is removed", () => any({ apiKey: apiKey(["alice"]) })],
  ["another client is denied", () => deny({ clients: ["bob"], addresses: ["192.0.2.9/32"] })],
  ["the route is opened", () => ({ authentication: { require: "None" } })],
])("a handshake under way goes on when %s", async (_, policies) => {
  await change(both);
  const pending = await Pending.open(gateway, backend, senders.alice());
  await change(policies());
  await pending.opens();
  expect(await gateway.metric("handshakes_total", { status: "101" })).toBe(1);
});

test("a 401 names the credential that the changed config wants", async () => {
  await change(both);
  const pending = await Pending.open(gateway, backend, senders.alice());
  await change({ authentication: { apiKey: apiKey(["bob"]) } });
  expect((await pending.lost()).challenge).toBe('ApiKey realm="wsproxy"');
});

test("a client that lost its permission gets nothing that the backend sends", async () => {
  await change(both);
  const pending = await Pending.open(gateway, backend, senders.alice());
  pending.backend.socket.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nfor alice only");
  await change(any({ apiKey: apiKey(["bob"]) }));
  expect(await pending.lost()).toMatchObject({ told: "401 CredentialRevoked", leaked: "" });
  expect(pending.client.received.toString("latin1")).not.toContain("alice");
});

test("a handshake that two changes refuse is answered and counted once", async () => {
  await change(both);
  const pending = await Pending.open(gateway, backend, senders.alice());
  await change(any({ apiKey: apiKey(["bob"]) }));
  await change(deny({ clients: ["alice"] }));
  expect((await pending.lost()).told).toBe("401 CredentialRevoked");
  expect(await gateway.metric("handshakes_total")).toBe(1);
});
