import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FETCH_TIMEOUT } from "../../dataplane/auth/guarded-fetch.ts";
import { REFRESH_INTERVAL } from "../../dataplane/auth/key-set.ts";
import { withKeys } from "../fakes/api-keys.ts";
import { RawBackend } from "../fakes/backends.ts";
import { FakeClock } from "../fakes/clock.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { settle } from "../fakes/idp-bench.ts";
import { Signer } from "../fakes/idp-signer.ts";
import type { ClientParts } from "../fakes/live.ts";
import { Pending } from "../fakes/pending.ts";
import { SlowIssuer } from "../fakes/slow-issuer.ts";
import { until } from "../fakes/sockets.ts";

let backend: RawBackend;
let gateway: TestGateway;
let clock: FakeClock;
let issuer: SlowIssuer;

beforeEach(async () => {
  clock = new FakeClock(Date.now());
  backend = await new RawBackend(() => {}).open();
  issuer = await new SlowIssuer().open();
  issuer.release();
  gateway = new TestGateway(clock);
});
afterEach(async () => {
  await gateway.close();
  await backend.close();
  await issuer.close();
});

const signer = new Signer("ES256", "k1");
const jwt = { issuer: "https://idp.test/", audiences: ["chat"], jwks: { keys: [signer.jwk] }, clockSkew: "0s" };

async function serve(authentication: object): Promise<void> {
  const policies = { authentication, timeouts: { backendConnect: "1h" }, keepalive: { interval: "0s" } };
  await gateway.serve({ routes: [{ policies }] }, [backend.port]);
}

const bearer = (token: string): ClientParts => ({ headers: { Authorization: `Bearer ${token}` } });

function signed(ms: number): string {
  const exp = Math.floor((clock.wall() + ms) / 1000);
  return signer.token({ iss: "https://idp.test/", aud: "chat", sub: "carol", exp });
}

function expiring(ms: number): object {
  return withKeys([{ client: "alice", expiresAt: new Date(clock.wall() + ms).toISOString() }]).authentication;
}

/** The introspection policy with this recheck. */
function introspection(recheck: string, change: object = {}): object {
  const { introspection: settings, ...rest } = issuer.policy as { introspection: object };
  return { ...rest, introspection: { ...settings, recheck, ...change } };
}

/** Advances the clock timer by timer, and not while an issuer is asked, until the issuer has answered once more. */
async function untilAsked(most: number, asked = (): number => issuer.asked): Promise<void> {
  const before = asked();
  for (let left = most; asked() === before;) {
    if (left <= 0) throw new Error("no issuer was asked");
    const step = Math.min(left, Math.max(0, clock.next));
    clock.advance(step);
    left -= step;
    await settle();
    await until("the issuer has answered", () => !clock.has(FETCH_TIMEOUT));
  }
  await settle();
}

const refused = (told: string): object => expect.objectContaining({ told, leaked: "", left: [0, 0, 0] });

test("a key that expires while the backend is dialled is refused in that second", async () => {
  await serve(expiring(30_000));
  const pending = await Pending.open(gateway, backend, { client: "alice" });
  clock.advance(29_999);
  expect(pending.client.answered).toBe(false);
  clock.advance(1);
  expect(await pending.lost()).toEqual(refused("401 CredentialExpired"));
});

test("a signed token that expires while the backend is dialled is refused in that second", async () => {
  await serve({ jwt: [jwt] });
  const pending = await Pending.open(gateway, backend, bearer(signed(30_000)));
  clock.advance(28_000);
  expect(pending.client.answered).toBe(false);
  clock.advance(2000);
  expect(await pending.lost()).toEqual(refused("401 CredentialExpired"));
});

// The time to which the clock is set has no timer of its own: only the last check before the 101 can see it.
test.each<[string, () => Promise<ClientParts>]>([
  ["a key", async () => serve(expiring(30_000)).then(() => ({ client: "alice" }))],
  ["a signed token", async () => serve({ jwt: [jwt] }).then(() => bearer(signed(30_000)))],
  [
    "an opaque token",
    async () => {
      issuer.claims = { sub: "alice", exp: Math.floor(clock.wall() / 1000) + 30 };
      return serve(introspection("1h")).then(() => bearer("opaque"));
    },
  ],
])("the last check before the 101 finds that %s has expired by the clock", async (_, prepare) => {
  const pending = await Pending.open(gateway, backend, await prepare());
  clock.stepWall(31_000);
  pending.backend.accept();
  expect(await pending.lost()).toEqual(refused("401 CredentialExpired"));
  expect(await gateway.metric("handshakes_total", { status: "101" })).toBe(0);
});

test("the last check also comes before the refusal of a backend", async () => {
  await serve(expiring(30_000));
  const pending = await Pending.open(gateway, backend, { client: "alice" });
  clock.stepWall(31_000);
  pending.backend.socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
  expect(await pending.lost()).toEqual(refused("401 CredentialExpired"));
});

test("an opaque token that is found inactive while the backend is dialled is refused at once", async () => {
  await serve(introspection("10s"));
  const pending = await Pending.open(gateway, backend, bearer("opaque"));
  issuer.isInactive = () => true;
  await untilAsked(11_000);
  expect(await pending.lost()).toEqual(refused("401 CredentialRevoked"));
});

test("an opaque token that loses a scope while the backend is dialled is refused at once", async () => {
  issuer.claims = { sub: "alice", scope: "connect" };
  await serve(introspection("10s", { requiredScopes: ["connect"] }));
  const pending = await Pending.open(gateway, backend, bearer("opaque"));
  issuer.claims = { sub: "alice", scope: "" };
  await untilAsked(11_000);
  expect(await pending.lost()).toEqual(refused("403 ScopeMissing"));
});

test("an opaque token that is good stays good however often it is asked about while the backend is dialled", async () => {
  await serve(introspection("10s"));
  const pending = await Pending.open(gateway, backend, bearer("opaque"));
  for (let look = 2; look < 5; look += 1) {
    await untilAsked(11_000);
    expect(issuer.asked).toBe(look);
  }
  await pending.opens();
});

test("a revocation that one handshake finds ends the token's other handshakes and its sessions", async () => {
  await serve(introspection("1h"));
  const live = await Pending.open(gateway, backend, bearer("opaque"));
  await live.opens();
  const pending = await Pending.open(gateway, backend, bearer("opaque"));
  const other = await Pending.open(gateway, backend, bearer("another"));
  issuer.isInactive = (token) => token === "opaque";
  await expect(Pending.open(gateway, backend, bearer("opaque"))).rejects.toThrow("401");
  await until("the handshake was refused", () => pending.client.ended);
  expect(pending.client.received.toString("latin1")).toContain("CredentialRevoked");
  expect(pending.backend.payload).toHaveLength(0);
  await until("the session was ended", () => live.client.told);
  expect(live.client.payload.toString("latin1")).toContain("CredentialRevoked");
  await other.opens();
});

test("a revocation that a live session finds ends the token's handshakes", async () => {
  await serve(introspection("10m"));
  const live = await Pending.open(gateway, backend, bearer("opaque"));
  await live.opens();
  clock.advance(100_000);
  const pending = await Pending.open(gateway, backend, bearer("opaque"));
  issuer.isInactive = () => true;
  await untilAsked(520_000); // it is the session's turn, and not yet that of the handshake
  await until("both were ended", () => pending.client.ended && live.client.told);
  expect(pending.client.received.toString("latin1")).toContain("401 Unauthorized");
  expect(live.client.payload.toString("latin1")).toContain("CredentialRevoked");
  expect(pending.backend.payload).toHaveLength(0);
});

test("a handshake is refused when the issuer withdraws its signing key while the backend is dialled", async () => {
  let keys = [signer.jwk];
  let asked = 0;
  const idp: Server = createServer((_, response) => {
    asked += 1;
    response.end(JSON.stringify({ keys }));
  });
  idp.listen(0, "127.0.0.1");
  await once(idp, "listening");
  const uri = `http://127.0.0.1:${(idp.address() as AddressInfo).port}/keys`;
  await serve({ jwt: [{ ...jwt, jwks: { uri, allowHttp: true } }] });
  const pending = await Pending.open(gateway, backend, bearer(signed(3_600_000)));
  keys = [new Signer("ES256", "k2").jwk];
  await untilAsked(REFRESH_INTERVAL * 1.2, () => asked);
  expect(await pending.lost()).toEqual(refused("401 CredentialRevoked"));
  idp.close();
  idp.closeAllConnections();
});
