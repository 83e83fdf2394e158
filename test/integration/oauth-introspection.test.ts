import { afterEach, beforeEach, expect, test } from "vitest";
import { WsClient } from "../fakes/clients.ts";
import { FakeClock } from "../fakes/clock.ts";
import { reading } from "../fakes/event-reader.ts";
import { GATEWAY } from "../fakes/idp.ts";
import { segment } from "../fakes/idp-signer.ts";
import { bearer, JWT, OAuthBench, OPAQUE } from "../fakes/oauth.ts";
import { tooMuchInEachRound } from "../fakes/rounds.ts";

const SHORT = "urn:short";

let clock: FakeClock;
let bench: OAuthBench;

beforeEach(async () => {
  clock = new FakeClock(Date.now());
  bench = await start(clock);
});

afterEach(() => bench.close());

function start(time?: FakeClock): Promise<OAuthBench> {
  const resources = {
    [OPAQUE]: { format: "opaque", ttl: 86_400, claims: { tenant: "acme" } },
    [SHORT]: { format: "opaque", ttl: 2 },
    [JWT]: { format: "jwt", ttl: 86_400 },
  } as const;
  return new OAuthBench(resources, time).open();
}

const introspection = (change: object = {}): object => ({
  endpoint: bench.idp.introspection,
  allowHttp: true,
  credentials: GATEWAY,
  ...change,
});
const jwt = (): object => ({
  issuer: bench.idp.issuer,
  audiences: [JWT],
  jwks: { uri: bench.idp.jwks, allowHttp: true },
});

const questions = (): number => bench.idp.asked(bench.idp.introspection);
const authentications = (reason: string): Promise<number> =>
  bench.gateway.metric("authentications_total", { method: "introspection", reason });
const terminations = (reason: string): Promise<number> =>
  bench.gateway.metric("credential_terminations_total", { reason });

test("an opaque token of the server is accepted; the backend gets the client's name", async () => {
  await bench.serve({ introspection: introspection({ requiredScopes: ["chat:connect"] }) });
  const token = await bench.token(OPAQUE);
  const client = await bench.connect(token);
  client.socket.send("hello");
  expect(await client.message()).toBe("hello");
  expect(bench.handshakes[0]?.headers).toMatchObject({ "x-wsproxy-client": "app", "x-tenant": "acme" });
  expect(JSON.stringify(bench.handshakes[0]?.rawHeaders)).not.toContain(token);
  expect(await authentications("Accepted")).toBe(1);
});

test("tokens that the server does not know, or that lack a scope, are refused", async () => {
  await bench.serve({ introspection: introspection({ requiredScopes: ["chat:connect"] }) });
  expect(await bench.refusalOf("made-up-by-an-attacker")).toBe("401 CredentialInvalid");
  expect(await bench.refusalOf(await bench.token(OPAQUE, ""))).toBe("403 ScopeMissing");
  // A signed token of the same server is not one that it keeps.
  expect(await bench.refusalOf(await bench.token(JWT))).toBe("401 CredentialInvalid");
  expect(await authentications("CredentialInvalid")).toBe(2);
  expect(await authentications("ScopeMissing")).toBe(1);
});

test("a token that expires under an idle session ends it within 1 s, in real time", async () => {
  const expiry = async (): Promise<{ late: number }> => {
    await bench.close();
    bench = await start();
    await bench.serve({ introspection: introspection() });
    const issued = Date.now();
    const client = await bench.connect(await bench.token(SHORT));
    expect(await client.close()).toEqual({ code: 3000, reason: "CredentialExpired" });
    // `exp` is in whole seconds: it lies 2 s after the second in which the token was issued, or in which it arrived.
    const late = Date.now() - (Math.floor(issued / 1000) + 2) * 1000;
    expect(late).toBeGreaterThanOrEqual(0);
    expect(await terminations("CredentialExpired")).toBe(1);
    return { late };
  };
  // Up to a second of it may pass before the token arrives.
  expect(await tooMuchInEachRound({ late: 2000 }, expiry)).toEqual({});
});

test("each question about an open session's token is told to what watches, with the answer and without the token", async () => {
  await bench.serve({ introspection: introspection({ recheck: "20s" }) });
  const reader = reading(bench.gateway.gateway, "client=app", clock);
  const token = await bench.token(OPAQUE);
  await bench.connect(token);
  clock.advance(20_000);
  const { session } = await reader.next("handshake");
  const event = await reader.next("timeline");
  expect(event).toMatchObject({ session, what: "credentialChecked", reason: "Active", client: "app" });
  expect(reader.text).not.toContain(token);
});

test("a token that is revoked ends its sessions within recheck, and opens no new one", async () => {
  await bench.serve({ introspection: introspection({ cache: "10s", recheck: "20s" }) });
  const [token, other] = [await bench.token(OPAQUE), await bench.token(OPAQUE)];
  const sessions = [await bench.connect(token), await bench.connect(token)];
  const stays = await bench.connect(other);
  await bench.idp.revoke(token);
  await bench.pass(9999);
  // What was remembered may be reused for as long as `cache` says, and the sessions have a recheck to come.
  sessions.push(await bench.connect(token));
  expect(bench.gateway.sessions).toBe(4);
  await bench.pass(10_001);
  for (const session of sessions) expect(await session.close()).toEqual({ code: 3000, reason: "CredentialRevoked" });
  expect(await bench.refusalOf(token)).toBe("401 CredentialInvalid");
  expect(await terminations("CredentialRevoked")).toBe(3);
  stays.socket.send("still here");
  expect(await stays.message()).toBe("still here");
  await bench.left(1);
});

test("a refused handshake that learns of a revocation ends the token's sessions before their recheck", async () => {
  await bench.serve({ introspection: introspection({ cache: "10s", recheck: "20s" }) });
  const [token, other] = [await bench.token(OPAQUE), await bench.token(OPAQUE)];
  const sessions = [await bench.connect(token), await bench.connect(token)];
  await bench.connect(other);
  await bench.idp.revoke(token);
  await bench.pass(9999);
  sessions.push(await bench.connect(token));
  await bench.pass(1);
  // `cache` is over: this handshake asks the server, and no time passes after it.
  expect(await bench.refusalOf(token)).toBe("401 CredentialInvalid");
  for (const session of sessions) expect(await session.close()).toEqual({ code: 3000, reason: "CredentialRevoked" });
  expect(await terminations("CredentialRevoked")).toBe(3);
  await bench.left(1);
});

test("a live session's token is asked about once in a recheck, however many sessions it has", async () => {
  await bench.serve({ introspection: introspection({ recheck: "20s" }) });
  const token = await bench.token(OPAQUE);
  for (let index = 0; index < 20; index += 1) await bench.connect(token);
  expect(questions()).toBe(1);
  await bench.pass(100_000);
  expect(questions()).toBeGreaterThanOrEqual(1 + 5);
  expect(questions()).toBeLessThanOrEqual(1 + 2 * 6);
  expect(bench.gateway.sessions).toBe(20);
});

test("with the server down remembered tokens serve for `cache`, others are 503, sessions stay; back up, all is well", async () => {
  await bench.serve({ introspection: introspection() });
  const [token, other, revoked] = [await bench.token(OPAQUE), await bench.token(OPAQUE), await bench.token(OPAQUE)];
  await bench.connect(token);
  const doomed = await bench.connect(revoked);
  await bench.idp.revoke(revoked);
  await bench.idp.down();
  await bench.connect(token);
  const { status, reason, headers } = await bench.refused(bearer(other));
  expect(`${status} ${reason} ${headers.get("retry-after")}`).toBe("503 IdentityProviderUnavailable 1");
  await bench.pass(3_600_000);
  expect(await bench.refusalOf(token)).toBe("503 IdentityProviderUnavailable");
  expect(bench.gateway.sessions).toBe(3);
  expect(await authentications("IdentityProviderUnavailable")).toBe(2);

  await bench.idp.up();
  await bench.connect(other);
  await bench.connect(token);
  await bench.pass(30_000);
  expect(await doomed.close()).toEqual({ code: 3000, reason: "CredentialRevoked" });
  await bench.left(4);
});

test("a token may stand in header, query, cookie and subprotocol, and reaches the backend from none", async () => {
  const from = [{ header: "x-token" }, { query: "token" }, { cookie: "session" }, { subprotocol: "token" }];
  await bench.serve({ introspection: introspection({ from }) });
  const token = await bench.token(OPAQUE);
  const url = bench.gateway.url("/chat");
  await WsClient.open(url, [], { headers: { "x-token": token } });
  await WsClient.open(`${url}?a=1&token=${token}`);
  await WsClient.open(url, [], { headers: { cookie: `session=${token}` } });
  await WsClient.open(url, ["chat", `token.${segment(token)}`]).catch(() => undefined);
  expect(bench.handshakes).toHaveLength(4);
  for (const { url: target, rawHeaders } of bench.handshakes) {
    expect(`${target} ${rawHeaders.join()}`).not.toContain(token);
    expect(`${target} ${rawHeaders.join()}`).not.toContain(segment(token));
  }
  expect(bench.handshakes[3]?.headers["sec-websocket-protocol"]).toBe("chat");
  expect((await bench.refused({ target: `/?token=${token}`, headers: { "X-Token": token } })).status).toBe(400);
});

test("Any takes either form of token where both methods share a place, each by its own method", async () => {
  await bench.serve({ require: "Any", jwt: [jwt()], introspection: introspection() });
  const [signed, opaque] = [await bench.token(JWT), await bench.token(OPAQUE)];
  await bench.connect(signed);
  expect(questions()).toBe(0);
  const session = await bench.connect(opaque);
  expect(await bench.refusalOf(`${signed.slice(0, -8)}AAAAAAAA`)).toBe("401 CredentialInvalid");
  expect(questions()).toBe(1);
  expect(await bench.refusalOf("no-token-of-any-client")).toBe("401 CredentialInvalid");
  await bench.idp.revoke(opaque);
  await bench.pass(30_000);
  expect(await session.close()).toEqual({ code: 3000, reason: "CredentialRevoked" });
  await bench.left(1);
});

test("All takes both tokens only, and the session stands on both", async () => {
  await bench.serve({ require: "All", jwt: [jwt()], introspection: introspection({ from: [{ header: "x-opaque" }] }) });
  const [signed, opaque] = [await bench.token(JWT), await bench.token(OPAQUE)];
  expect(await bench.refusalOf(signed)).toBe("401 CredentialMissing");
  expect((await bench.refused({ headers: { "X-Opaque": opaque } })).reason).toBe("CredentialMissing");
  const headers = { authorization: `Bearer ${signed}`, "x-opaque": opaque };
  const session = await WsClient.open(bench.gateway.url(), [], { headers });
  expect(bench.handshakes[0]?.headers["x-opaque"]).toBeUndefined();
  await bench.idp.revoke(opaque);
  await bench.pass(30_000);
  expect(await session.close()).toEqual({ code: 3000, reason: "CredentialRevoked" });
  expect(await terminations("CredentialRevoked")).toBe(1);
});

test("an endpoint that refuses the gateway's own credentials is a 503 for clients, and one line in the log", async () => {
  const password = "not-the-password-of-the-gateway";
  await bench.serve({ introspection: introspection({ credentials: { ...GATEWAY, password } }) });
  const token = await bench.token(OPAQUE);
  expect(await bench.refusalOf(token)).toBe("503 IdentityProviderUnavailable");
  expect(await bench.refusalOf(token)).toBe("503 IdentityProviderUnavailable");
  const lines = bench.gateway.lines.filter(({ message }) => message === "introspection failed");
  expect(lines).toHaveLength(1);
  expect(bench.gateway.logged).not.toContain(password);
  await bench.serve({ introspection: introspection() });
  await bench.connect(token);
});
