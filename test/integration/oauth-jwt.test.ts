import { createHmac, createPublicKey } from "node:crypto";
import { once } from "node:events";
import { afterEach, beforeEach, expect, test } from "vitest";
import { REFRESH_COOLDOWN, REFRESH_INTERVAL } from "../../dataplane/auth/key-set.ts";
import { RawClient, request, WsClient } from "../fakes/clients.ts";
import { FakeClock } from "../fakes/clock.ts";
import { RawListener } from "../fakes/idp-listener.ts";
import { segment, Signer } from "../fakes/idp-signer.ts";
import { bearer, JWT, OAuthBench } from "../fakes/oauth.ts";
import { tooMuchInEachRound } from "../fakes/rounds.ts";

const SHORT = "urn:short";
const OTHER = "urn:other";
const LONG = "urn:long";
const ELLIPTIC = "urn:elliptic";
const DAY = 86_400;

let clock: FakeClock;
let bench: OAuthBench;
const open: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  clock = new FakeClock(Date.now());
  bench = await start(clock);
});

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function start(time?: FakeClock): Promise<OAuthBench> {
  const resources = {
    [JWT]: { format: "jwt", claims: { tenant: "acme" } },
    [SHORT]: { format: "jwt", ttl: 2 },
    [OTHER]: { format: "jwt" },
    [LONG]: { format: "jwt", ttl: DAY },
    [ELLIPTIC]: { format: "jwt", algorithm: "ES256" },
  } as const;
  const it = await new OAuthBench(resources, time).open();
  open.push(it);
  return it;
}

/** The jwt method for the bench's server. */
const jwt = (change: object = {}, { idp } = bench): object => ({
  issuer: idp.issuer,
  audiences: [JWT, LONG, SHORT, ELLIPTIC],
  jwks: { uri: idp.jwks, allowHttp: true },
  ...change,
});

const authentications = (reason: string): Promise<number> =>
  bench.gateway.metric("authentications_total", { method: "jwt", reason });
const terminations = (reason: string): Promise<number> =>
  bench.gateway.metric("credential_terminations_total", { reason });

test.each([JWT, ELLIPTIC])(
  "a token of the server for %s is accepted; the backend gets the client's name",
  async (resource) => {
    await bench.serve({ jwt: [jwt({ requiredScopes: ["chat:connect"] })] });
    const token = await bench.token(resource);
    const client = await bench.connect(token);
    client.socket.send("hello");
    expect(await client.message()).toBe("hello");
    const [handshake] = bench.handshakes;
    expect(handshake?.headers).toMatchObject({ "x-wsproxy-client": "app" });
    expect(handshake?.headers["x-tenant"]).toBe(resource === JWT ? "acme" : undefined);
    expect(handshake?.headers["x-constructor"]).toBeUndefined();
    expect(JSON.stringify(handshake?.rawHeaders)).not.toContain(token);
    expect(await authentications("Accepted")).toBe(1);
  },
);

test("a token that expires under an idle session ends it within 1 s of exp and the skew, in real time", async () => {
  const expiry = async (): Promise<{ late: number }> => {
    bench = await start();
    await bench.serve({ jwt: [jwt({ clockSkew: "500ms" })] });
    const token = await bench.token(SHORT);
    const { exp } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { exp: number };
    const client = await bench.connect(token);
    expect(await client.close()).toEqual({ code: 3000, reason: "CredentialExpired" });
    const late = Date.now() - (exp * 1000 + 500);
    expect(late).toBeGreaterThanOrEqual(0);
    expect(await terminations("CredentialExpired")).toBe(1);
    expect(await bench.refusalOf(token)).toBe("401 CredentialExpired");
    return { late };
  };
  expect(await tooMuchInEachRound({ late: 1000 }, expiry)).toEqual({});
});

test("a new key is found by the first token that needs it; with the old key its sessions and tokens go", async () => {
  await bench.serve({ jwt: [jwt()] });
  const old = await bench.token(JWT);
  const session = await bench.connect(old);
  bench.idp.rotate();
  const fresh = await bench.token(JWT);
  expect(await bench.refusalOf(fresh)).toBe("401 CredentialInvalid");
  clock.advance(REFRESH_COOLDOWN);
  const next = await bench.connect(fresh);
  expect(await session.close()).toEqual({ code: 3000, reason: "CredentialRevoked" });
  expect(await bench.refusalOf(old)).toBe("401 CredentialInvalid");
  next.socket.send("still here");
  expect(await next.message()).toBe("still here");
  expect(bench.idp.asked(bench.idp.jwks)).toBe(2);
  expect(await terminations("CredentialRevoked")).toBe(1);
});

test("a session of a removed key ends within the refresh time though no client connects", async () => {
  await bench.serve({ jwt: [jwt()] });
  const session = await bench.connect(await bench.token(LONG));
  await bench.pass(REFRESH_INTERVAL * 1.1);
  expect(bench.gateway.sessions).toBe(1);
  bench.idp.rotate();
  await bench.pass(REFRESH_INTERVAL * 1.1);
  expect(await session.close()).toEqual({ code: 3000, reason: "CredentialRevoked" });
});

test("a token of a removed key is refused however long no client has connected", async () => {
  await bench.serve({ jwt: [jwt()] });
  const token = await bench.token(LONG);
  (await bench.connect(token)).socket.close();
  await bench.gateway.empty();
  bench.idp.rotate();
  await bench.pass(3_600_000);
  expect(await bench.refusalOf(token)).toBe("401 CredentialInvalid");
});

test("with the server down known keys and live sessions go on, unknown keys are 503; back up, all is well", async () => {
  await bench.serve({ jwt: [jwt()] });
  const known = await bench.token(LONG);
  const session = await bench.connect(known);
  const before = bench.idp.issuer;
  bench.idp.rotate();
  const unknown = await bench.token(LONG);
  await bench.idp.down();
  await bench.pass(3_600_000);
  const { status, reason, headers } = await bench.refused(bearer(unknown));
  expect(`${status} ${reason}`).toBe("503 IdentityProviderUnavailable");
  expect(Number(headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  expect(Number(headers.get("retry-after"))).toBeLessThanOrEqual(10);
  await bench.connect(known);
  expect(bench.gateway.sessions).toBe(2);
  expect(await authentications("IdentityProviderUnavailable")).toBe(1);

  await bench.idp.up();
  expect(bench.idp.issuer).toBe(before);
  clock.advance(REFRESH_COOLDOWN);
  await bench.connect(unknown);
  // The set that came back no longer has the old key.
  expect(await session.close()).toEqual({ code: 3000, reason: "CredentialRevoked" });
});

test("a server that was down from the start is asked again without a restart of the gateway", async () => {
  await bench.serve({ jwt: [jwt()] });
  const token = await bench.token(JWT);
  await bench.idp.down();
  expect(await bench.refusalOf(token)).toBe("503 IdentityProviderUnavailable");
  await bench.idp.up();
  clock.advance(REFRESH_COOLDOWN);
  await bench.connect(token);
});

test("a token for another audience is refused", async () => {
  await bench.serve({ jwt: [jwt()] });
  expect(await bench.refusalOf(await bench.token(OTHER))).toBe("401 CredentialInvalid");
  expect(await authentications("CredentialInvalid")).toBe(1);
});

test("a token of another server is refused, also where it signs under the same key id", async () => {
  const other = await start(clock);
  bench.idp.rotate("same");
  other.idp.rotate("same");
  const routes = [bench, other].map((it, index) => ({
    path: { type: "Prefix" as const, value: `/${index}` },
    policies: { authentication: { jwt: [jwt({}, it)] } },
  }));
  await bench.gateway.serve({ routes }, [bench.backend.port]);
  const tokens = [await bench.token(JWT), await other.token(JWT)];
  for (const [index, token] of tokens.entries()) {
    const headers = { authorization: `Bearer ${token}` };
    await WsClient.open(bench.gateway.url(`/${index}`), [], { headers });
    expect((await bench.refused(bearer(token), `/${1 - index}`)).reason).toBe("CredentialInvalid");
  }
});

test("an algorithm that the route does not list is refused", async () => {
  await bench.serve({ jwt: [jwt({ algorithms: ["RS256"] })] });
  expect(await bench.refusalOf(await bench.token(ELLIPTIC))).toBe("401 CredentialInvalid");
});

test("scopes and claims are demanded of handshakes", async () => {
  await bench.serve({ jwt: [jwt({ requiredScopes: ["chat:connect"] })] });
  expect(await bench.refusalOf(await bench.token(JWT, ""))).toBe("403 ScopeMissing");
  await bench.serve({ jwt: [jwt({ requiredClaims: [{ name: "tenant", values: ["acme"] }] })] });
  expect(await bench.refusalOf(await bench.token(LONG))).toBe("403 ClaimMismatch");
  await bench.connect(await bench.token(JWT));
  expect(await authentications("ScopeMissing")).toBe(1);
  expect(await authentications("ClaimMismatch")).toBe(1);
});

test("a token may stand in header, query, cookie and subprotocol, and reaches the backend from none", async () => {
  const from = [{ header: "authorization" }, { query: "access_token" }, { cookie: "session" }, { subprotocol: "jwt" }];
  await bench.serve({ jwt: [jwt({ from })] });
  const token = await bench.token(JWT);
  const url = bench.gateway.url("/chat");
  const headers = { authorization: `Bearer ${token}` };
  await WsClient.open(url, [], { headers });
  await WsClient.open(`${url}?a=1&access_token=${token}&b=2`);
  await WsClient.open(url, [], { headers: { cookie: `a=1; session=${token}; b=2` } });
  const browser = await WsClient.open(url, ["wsproxy", `jwt.${segment(token)}`]);
  expect(browser.socket.protocol).toBe("wsproxy");
  for (const { url: target, rawHeaders } of bench.handshakes) {
    expect(`${target} ${rawHeaders.join()}`).not.toContain(token.slice(-20));
    expect(`${target} ${rawHeaders.join()}`).not.toContain(segment(token).slice(-20));
  }
  expect(bench.handshakes.map(({ url: target }) => target)).toEqual(["/chat", "/chat?a=1&b=2", "/chat", "/chat"]);
  expect(bench.handshakes[2]?.headers.cookie).toBe("a=1; b=2");
  const twice = { target: `/chat?access_token=${token}`, ...bearer(token) };
  expect((await bench.refused(twice)).reason).toBe("AmbiguousCredential");
});

test("E7, E8, E9, E10, E12 tokens that an attacker can make are refused, and no server is asked because of them", async () => {
  await bench.serve({ jwt: [jwt()] });
  const good = await bench.token(JWT);
  await bench.connect(good);
  const [head = "", payload = "", signature = ""] = good.split(".");
  const header = JSON.parse(Buffer.from(head, "base64url").toString()) as { kid: string };
  const jwks = await (await fetch(bench.idp.jwks)).text();
  const [rsa] = (JSON.parse(jwks) as { keys: Record<string, string>[] }).keys;
  const pem = createPublicKey({ key: rsa ?? {}, format: "jwk" })
    .export({ type: "spki", format: "pem" })
    .toString();
  const asked = bench.idp.requests.length;
  const evil = await new RawListener((socket) => socket.end(`HTTP/1.1 200 OK\r\n\r\n${jwks}`)).open();
  open.push(evil);

  const claims = Buffer.from(payload, "base64url").toString();
  const signer = new Signer("RS256", header.kid);
  const hmac = (secret: string): string => {
    const input = `${segment(JSON.stringify({ ...header, alg: "HS256" }))}.${payload}`;
    return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
  };
  const away = `http://127.0.0.1:${evil.port}/keys`;
  for (const token of [
    ...["none", "None", "nOnE", undefined, ["RS256"]].flatMap((alg) =>
      ["", signature].map((end) => `${segment(JSON.stringify({ ...header, alg }))}.${payload}.${end}`),
    ),
    ...[pem, pem.trim(), ` ${pem}`, `\ufeff${pem}`, JSON.stringify(rsa), jwks, ""].map(hmac),
    ...[{}, { jwk: signer.jwk }, { jku: away }, { x5u: away }, { x5c: ["MIIB"] }].map((more) =>
      signer.raw(JSON.stringify({ ...header, ...more }), claims),
    ),
    ...["unknown", "../../etc/passwd", "' OR 1=1", away, "__proto__", 7, ["x"], null].map((kid) =>
      signer.raw(JSON.stringify({ ...header, kid }), claims),
    ),
    signer.raw(JSON.stringify({ alg: "RS256" }), claims),
    `${head}.${segment(claims.replace('"sub":"app"', '"sub":"root"'))}.${signature}`,
    `${head}.${payload}.`,
  ]) {
    expect(await bench.refusalOf(token)).toBe("401 CredentialInvalid");
  }
  expect(evil.heads).toEqual([]);
  expect(bench.idp.requests).toHaveLength(asked);
  await bench.connect(good);
});

test("E13 made-up key ids, 10,000 in 20 s, cost the server two requests", async () => {
  await bench.serve({ jwt: [jwt()] });
  const good = await bench.token(JWT);
  await bench.connect(good);
  const payload = good.split(".")[1] ?? "";
  for (let batch = 0; batch < 100; batch += 1) {
    clock.advance(200);
    const answers = Array.from({ length: 100 }, async (_, index) => {
      const head = segment(JSON.stringify({ alg: "RS256", kid: `random-${batch}-${index}` }));
      const client = await RawClient.send(bench.gateway.port, request(bearer(`${head}.${payload}.AAAA`)));
      await once(client.socket, "end");
      client.socket.destroy();
      return client.received.toString("latin1", 9, 12);
    });
    expect(new Set(await Promise.all(answers))).toEqual(new Set(["401"]));
  }
  expect(bench.idp.asked(bench.idp.jwks)).toBe(3);
  await bench.connect(good);
  expect(bench.handshakes).toHaveLength(2);
});
