import { afterEach, expect, test } from "vitest";
import { RawBackend } from "../fakes/backends.ts";
import { RawClient, reasonOf, request } from "../fakes/clients.ts";
import type { ConfigParts } from "../fakes/config.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { apiKeyPolicy, SECRET } from "../fakes/oracle.ts";
import { SlowIssuer } from "../fakes/slow-issuer.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function serve(policies: object, more: ConfigParts = {}): Promise<{ gateway: TestGateway; backend: RawBackend }> {
  const backend = await new RawBackend((connection) => {
    connection.socket.once("end", () => connection.socket.end());
    connection.accept();
  }).open();
  open.push(backend);
  const gateway = await new TestGateway().serve({ ...more, routes: [{ policies: { ...policies } }] }, [backend.port]);
  open.push(gateway);
  return { gateway, backend };
}

type Headers = Record<string, string | readonly string[] | null>;

async function ask(gateway: TestGateway, headers: Headers, target = "/"): Promise<string> {
  const client = await RawClient.send(gateway.port, request({ target, headers }));
  const answer = await client.answer();
  client.socket.destroy();
  await gateway.empty();
  return answer.status === 101 ? "101" : `${answer.status} ${reasonOf(answer)}`;
}

const XFF = { attempts: [{ per: "IP", limit: 2, interval: "1h", burst: 2 }] };

test("D1 X-Forwarded-For of an untrusted peer does not move the limit", async () => {
  const { gateway, backend } = await serve(XFF);
  const answers: string[] = [];
  for (let n = 0; n < 4; n += 1)
    answers.push(await ask(gateway, { "X-Forwarded-For": `1.1.1.${n}`, Forwarded: `for=1.1.1.${n}` }));
  expect(answers).toEqual(["101", "101", "429 AttemptLimit", "429 AttemptLimit"]);
  expect(backend.last.values("x-forwarded-for")).toEqual(["127.0.0.1"]);
});

test.each([
  ["an IPv4 block", ["127.0.0.0/8"]],
  ["a mapped block", ["::ffff:127.0.0.0/104"]],
  ["one address", ["127.0.0.1"]],
])(
  "D1 X-Forwarded-For of a proxy trusted by %s counts, and entries left of the client's address do not",
  async (_what, trustedProxies) => {
    const { gateway, backend } = await serve(XFF, { trustedProxies });
    for (const [chain, client] of [
      ["9.9.9.1, 192.0.2.1", "192.0.2.1"],
      ["9.9.9.2, 192.0.2.1", "192.0.2.1"],
      ["2001:db8::1", "2001:db8::1"],
      ["[2001:DB8:0:0::2]:4711", "2001:db8::2"],
      ["192.0.2.2:80", "192.0.2.2"],
      ["::ffff:192.0.2.3", "192.0.2.3"],
      ["192.0.2.4, 127.0.0.9", trustedProxies[0] === "127.0.0.1" ? "127.0.0.9" : "192.0.2.4"],
      ["192.0.2.5, unknown", "127.0.0.1"],
    ] as const) {
      expect(await ask(gateway, { "X-Forwarded-For": chain }), chain).toBe("101");
      expect(backend.last.values("x-forwarded-for"), chain).toEqual([client]);
    }
    expect(await ask(gateway, { "X-Forwarded-For": "9.9.9.3, 192.0.2.1" })).toBe("429 AttemptLimit");
  },
);

test("D1, D5 only a trusted proxy's X-Forwarded-Proto counts", async () => {
  for (const [trustedProxies, said, wanted] of [
    [[], "https", "http"],
    [["127.0.0.1"], "https", "https"],
    [["127.0.0.1"], "http, wss", "https"],
    [["127.0.0.1"], "https, http", "http"],
    [["127.0.0.1"], null, "http"],
    [["10.0.0.0/8"], "https", "http"],
  ] as const) {
    const { gateway, backend } = await serve({}, { trustedProxies });
    expect(await ask(gateway, { "X-Forwarded-Proto": said })).toBe("101");
    expect(backend.last.values("x-forwarded-proto"), `${trustedProxies.join()} ${said}`).toEqual([wanted]);
  }
});

const named = {
  authentication: apiKeyPolicy(),
  forwarding: {
    clientHeader: "X-Auth-User",
    headers: { set: [{ name: "x-env", value: "prod" }], remove: ["x-secret"] },
  },
};

/** Field lines of a request whose name is this one to a backend that folds `_ . -` and case. */
const alike = (head: string, name: string): string[] =>
  head
    .split("\r\n")
    .slice(1)
    .filter((line) => line.split(":")[0]?.toLowerCase().replaceAll(/[_.]/g, "-") === name);

test.each(["X-Auth-User", "x-auth-user", "X_Auth_User", "X.Auth.User", "X-AUTH_USER", "x_auth.user"])(
  "D3 the backend gets one X-Auth-User, ours, whatever the client says under %s",
  async (name) => {
    const { gateway, backend } = await serve(named);
    expect(
      await ask(gateway, {
        "X-Api-Key": SECRET,
        [name]: ["root", "admin"],
        "x-Env": "dev",
        X_Env: "dev",
        "X.Secret": "s",
      }),
    ).toBe("101");
    expect(alike(backend.last.head, "x-auth-user")).toEqual(["X-Auth-User: alice"]);
    expect(alike(backend.last.head, "x-env")).toEqual(["x-env: prod"]);
    expect(alike(backend.last.head, "x-secret")).toEqual([]);
  },
);

test("D3 a header name with a space behind it is a bad handshake", async () => {
  const { gateway, backend } = await serve(named);
  expect(await ask(gateway, { "X-Api-Key": SECRET, "X-Auth-User ": "root" })).toBe("400 BadHandshake");
  expect(backend.connections.length).toBe(0);
});

test.each([
  "Upgrade, X-Auth-User",
  "X-Auth-User, Upgrade, Host, Sec-WebSocket-Key, X-Forwarded-For, x-env, X-Mine",
  "upgrade, x_auth_user, x-mine",
])(
  "D4 Connection: %s removes none of the gateway's headers; the client's headers that it names do not go on",
  async (connection) => {
    const { gateway, backend } = await serve(named);
    expect(
      await ask(gateway, { "X-Api-Key": SECRET, Connection: connection, "X-Auth-User": "root", "X-Mine": "1" }),
    ).toBe("101");
    const { head } = backend.last;
    expect(alike(head, "x-auth-user")).toEqual(["X-Auth-User: alice"]);
    expect(alike(head, "x-env")).toEqual(["x-env: prod"]);
    expect(alike(head, "x-forwarded-for")).toEqual(["X-Forwarded-For: 127.0.0.1"]);
    expect(alike(head, "connection")).toEqual(["Connection: Upgrade"]);
    expect(alike(head, "host")).toEqual(["Host: a.test"]);
    expect(alike(head, "sec-websocket-key").length).toBe(1);
    expect(alike(head, "x-mine").length).toBe(connection.toLowerCase().includes("x-mine") ? 0 : 1);
  },
);

test("D5, A11 fields that only a gateway may say, and those of one hop, are overwritten or left out", async () => {
  const { gateway, backend } = await serve({});
  const sent: Headers = {
    "X-Forwarded-Uri": "/admin",
    "X-Forwarded-Prefix": "/admin",
    "X-Forwarded-Host": "evil.test",
    "X-Forwarded-Port": "1",
    X_Forwarded_Proto: "https",
    "X-Original-URL": "/admin",
    "X-Rewrite-URL": "/admin",
    "X-Real-IP": "1.1.1.1",
    "X-Forwarded-User": "root",
    X_Forwarded_Email: "root@a.test",
    "X.Forwarded.Groups": "admin",
    "X-Forwarded-Access-Token": "t",
    "X-Forwarded-Client-Cert": "Subject=root",
    "True-Client-IP": "1.1.1.1",
    "CF-Connecting-IP": "1.1.1.1",
    "X-Client-IP": "1.1.1.1",
    Proxy: "http://evil.test",
    "Remote-User": "root",
    "Client-Cert": ":AAAA:",
    Forwarded: "for=1.1.1.1;host=evil.test",
    "HTTP2-Settings": "AAMAAABkAAQ",
    Expect: "100-continue",
    TE: "trailers",
    Trailer: "X-A",
    "Keep-Alive": "timeout=5",
    "Proxy-Authorization": "Basic eA==",
    "Proxy-Connection": "keep-alive",
    Content_Length: "5",
    Transfer_Encoding: "chunked",
    Sec_WebSocket_Key: "eA==",
    "Sec-WebSocket-Accept": "eA==",
    "User-Agent": "test",
    Origin: "https://app.test",
  };
  expect(await ask(gateway, sent)).toBe("101");
  const names = backend.last.head
    .split("\r\n")
    .slice(1, -2)
    .map((line) => line.split(":")[0]);
  expect(names).toEqual([
    "Host",
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "User-Agent",
    "Origin",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Request-Id",
  ]);
  expect(backend.last.values("x-forwarded-host")).toEqual(["a.test"]);
  expect(backend.last.values("x-forwarded-port")).toEqual(["80"]);
  expect(backend.last.values("origin")).toEqual(["https://app.test"]);
});

test.each([
  ["two lines", { "X-Api-Key": [SECRET, "bad"] }, "/", "400 AmbiguousCredential"],
  ["a list in one line", { "X-Api-Key": `${SECRET}, bad` }, "/", "401 CredentialInvalid"],
  ["query twice", {}, `/?apikey=${SECRET}&apikey=bad`, "400 AmbiguousCredential"],
  ["an empty one beside it", { "X-Api-Key": SECRET }, "/?apikey=", "400 AmbiguousCredential"],
  ["an encoded name beside it", { "X-Api-Key": SECRET }, "/?%61pikey=x", "400 AmbiguousCredential"],
  ["another case is another parameter", {}, `/?ApiKey=${SECRET}`, "401 CredentialMissing"],
  ["NUL behind the name", {}, `/?apikey%00=${SECRET}`, "401 CredentialMissing"],
  ["brackets behind the name", {}, `/?apikey[]=${SECRET}`, "401 CredentialMissing"],
])("D7, D8 %s", async (_what, headers, target, wanted) => {
  const { gateway, backend } = await serve({ authentication: apiKeyPolicy() });
  expect(await ask(gateway, headers, target)).toBe(wanted);
  expect(backend.connections.length).toBe(0);
});

test.each<[string, string, unknown]>([
  ["ends a line", "1", "a\r\nX-Admin: 1"],
  ["is not ASCII", "2", "\u00e9"],
  ["is an object", "3", { a: 1 }],
  ["is long", "4", "x".repeat(65_536)],
])("D10 a client claim that %s never becomes a header", async (_what, _n, sub) => {
  const issuer = await new SlowIssuer({ sub }).open();
  open.push(issuer);
  issuer.release();
  const { gateway, backend } = await serve({ authentication: issuer.policy });
  expect(await ask(gateway, { Authorization: "Bearer opaque" })).toMatch(/^40[13] /);
  expect(backend.connections.length).toBe(0);
});

test("D10 other claims become one header line each, encoded where they are not plain", async () => {
  const claims = {
    sub: "alice",
    evil: "a\r\nX-Admin: 1",
    word: "\u00e9",
    long: "x".repeat(65_536),
    obj: { a: ["\n"] },
    ok: "acme",
  };
  const issuer = await new SlowIssuer(claims).open();
  open.push(issuer);
  issuer.release();
  const claimHeaders = [...Object.keys(claims), "toString"].map((claim) => ({ claim, header: `x-claim-${claim}` }));
  const { gateway, backend } = await serve({ authentication: issuer.policy, forwarding: { claimHeaders } });
  expect(await ask(gateway, { Authorization: "Bearer opaque", "X-Claim-Long": "mine", X_Claim_Tostring: "mine" })).toBe(
    "101",
  );
  const encoded = (text: string): string => `=?base64url?${Buffer.from(text).toString("base64url")}?=`;
  const value = (claim: string): string[] => backend.last.values(`x-claim-${claim}`);
  expect(backend.last.head).not.toMatch(/x-admin|mine/i);
  expect(value("evil")).toEqual([encoded(claims.evil)]);
  expect(value("word")).toEqual([encoded("\u00e9")]);
  expect(value("obj")).toEqual(['{"a":["\\n"]}']);
  expect(value("ok")).toEqual(["acme"]);
  expect(value("long")).toEqual([]);
  expect(value("toString")).toEqual([]);
});
