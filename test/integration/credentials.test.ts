import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { apiKey, keyOf, withKeys } from "../fakes/api-keys.ts";
import { RawBackend } from "../fakes/backends.ts";
import { RawClient, reasonOf, request, type RawAnswer } from "../fakes/clients.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { Signer } from "../fakes/idp-signer.ts";

let backend: RawBackend;
let gateway: TestGateway;
/** Subprotocol that the backend chooses; "" for none. */
let chosen: string;

beforeEach(async () => {
  chosen = "";
  backend = await new RawBackend((it) => it.accept(chosen === "" ? [] : [`Sec-WebSocket-Protocol: ${chosen}`])).open();
  gateway = new TestGateway();
});
afterEach(async () => {
  await gateway.close();
  await backend.close();
});

interface Offer {
  readonly target?: string;
  readonly headers?: Record<string, string | readonly string[]>;
}

async function answer(offer: Offer): Promise<RawAnswer> {
  return (await RawClient.send(gateway.port, request(offer))).answer();
}

const b64 = (text: string): string => Buffer.from(text).toString("base64url");
const key = keyOf("alice");
const from = [
  ...[{ header: "x-api-key" }, { query: "apikey" }, { cookie: "wsproxy-key" }, { subprotocol: "wsproxy.key" }],
  { subprotocol: "raw-key", encoding: "Raw" },
];
const protocols = (...offered: string[]): Offer => ({ headers: { "Sec-WebSocket-Protocol": offered.join(", ") } });

describe("an API key in each place", () => {
  const places: [string, Offer][] = [
    ["header", { headers: { "X-Api-Key": key, "X-Other": "kept" }, target: "/a?x=1" }],
    ["query", { target: `/a?x=1&apikey=${key}`, headers: { "X-Other": "kept" } }],
    ["query, its name encoded", { target: `/a?%61pikey=${key}&x=1`, headers: { "X-Other": "kept" } }],
    ["cookie", { headers: { Cookie: `a=b; wsproxy-key=${key}; c=d`, "X-Other": "kept" }, target: "/a?x=1" }],
    [
      "subprotocol",
      { headers: { "Sec-WebSocket-Protocol": `chat, wsproxy.key.${b64(key)}`, "X-Other": "kept" }, target: "/a?x=1" },
    ],
    [
      "raw subprotocol",
      { headers: { "Sec-WebSocket-Protocol": `raw-key.${key}, chat`, "X-Other": "kept" }, target: "/a?x=1" },
    ],
  ];

  test.each(places)("D12 %s: is taken, and the backend sees all but it", async (_, offer) => {
    await gateway.serve({ routes: [{ policies: withKeys(["alice"], from) }] }, [backend.port]);
    expect((await answer(offer)).status).toBe(101);
    const { head } = backend.last;
    expect(head.split("\r\n")[0]).toBe("GET /a?x=1 HTTP/1.1");
    expect(backend.last.values("x-other")).toEqual(["kept"]);
    expect(backend.last.values("x-wsproxy-client")).toEqual(["alice"]);
    expect(head).not.toContain(key);
    expect(head).not.toContain(b64(key));
    expect(backend.last.values("cookie")).toEqual(_ === "cookie" ? ["a=b; c=d"] : []);
    expect(backend.last.values("sec-websocket-protocol")).toEqual(_.endsWith("subprotocol") ? ["chat"] : []);
  });

  test.each(places)("%s: goes on to the backend where the route says so", async (_, offer) => {
    const policies = { ...withKeys(["alice"], from), forwarding: { keepCredentials: true } };
    await gateway.serve({ routes: [{ policies }] }, [backend.port]);
    expect((await answer(offer)).status).toBe(101);
    expect(backend.last.head.includes(key) || backend.last.head.includes(b64(key))).toBe(true);
  });

  test.each(places)("%s: is not looked for where the route does not say so", async (place, offer) => {
    const elsewhere = [{ header: "x-none" }];
    await gateway.serve({ routes: [{ policies: withKeys(["alice"], elsewhere) }] }, [backend.port]);
    const refused = await answer(offer);
    expect([place, refused.status, reasonOf(refused)]).toEqual([place, 401, "CredentialMissing"]);
    expect(backend.connections).toHaveLength(0);
  });
});

test.each<[string, Offer, number, string]>([
  ["E1 nothing", {}, 401, "CredentialMissing"],
  ["E1 an empty header", { headers: { "X-Api-Key": "" } }, 401, "CredentialMissing"],
  ["an empty parameter", { target: "/?apikey=" }, 401, "CredentialMissing"],
  ["D8 a parameter in another case", { target: `/?ApiKey=${key}` }, 401, "CredentialMissing"],
  ["D8 a parameter that is a list", { target: `/?apikey[]=${key}` }, 401, "CredentialMissing"],
  ["E2 a wrong key", { headers: { "X-Api-Key": `${key}x` } }, 401, "CredentialInvalid"],
  ["a key's beginning", { headers: { "X-Api-Key": key.slice(0, -1) } }, 401, "CredentialInvalid"],
  ["a key's digest", { headers: { "X-Api-Key": "A".repeat(43) } }, 401, "CredentialInvalid"],
  ["D7 two equal headers", { headers: { "X-Api-Key": [key, key] } }, 400, "AmbiguousCredential"],
  ["D7 two headers", { headers: { "X-Api-Key": [key, "bad"] } }, 400, "AmbiguousCredential"],
  ["D8 two parameters", { target: `/?apikey=${key}&apikey=bad` }, 400, "AmbiguousCredential"],
  ["an empty and a good parameter", { target: `/?apikey=&apikey=${key}` }, 400, "AmbiguousCredential"],
  [
    "D8 a header and a parameter",
    { target: `/?apikey=${key}`, headers: { "X-Api-Key": key } },
    400,
    "AmbiguousCredential",
  ],
  ["two cookies", { headers: { Cookie: `wsproxy-key=${key}; wsproxy-key=${key}` } }, 400, "AmbiguousCredential"],
  ["two subprotocols", protocols(`wsproxy.key.${b64(key)}`, `wsproxy.key.${b64("bad")}`), 400, "AmbiguousCredential"],
  ["one key in both encodings", protocols(`wsproxy.key.${b64(key)}`, `raw-key.${key}`), 400, "AmbiguousCredential"],
  ["base64url where the key is raw", protocols(`raw-key.${b64(key)}`), 401, "CredentialInvalid"],
  ["a raw key where it is base64url", protocols(`wsproxy.key.${key}`), 401, "CredentialInvalid"],
  ["a raw name without a key", protocols("raw-key", "raw-key."), 401, "CredentialMissing"],
  ["padding in a subprotocol", protocols(`wsproxy.key.${b64(key)}=`), 400, "BadHandshake"],
  ["plain base64 in a subprotocol", protocols(`wsproxy.key.${b64(key)}+`), 401, "CredentialInvalid"],
  ["a second spelling in a subprotocol", protocols(`wsproxy.key.${b64("ab").slice(0, -1)}h`), 401, "CredentialInvalid"],
])("%s gets its refusal, and no backend is dialled", async (_, offer, status, reason) => {
  await gateway.serve({ routes: [{ policies: withKeys(["alice"], from) }] }, [backend.port]);
  const refused = await answer(offer);
  expect([refused.status, reasonOf(refused)]).toEqual([status, reason]);
  if (status === 401) expect(refused.headers.get("www-authenticate")).toBe('ApiKey realm="wsproxy"');
  expect(backend.connections).toHaveLength(0);
  expect(await gateway.metric("handshakes_total", { status: String(status), reason })).toBe(1);
  expect(`${refused.body}${gateway.logged}`).not.toContain(key);
});

test.each<[string, string[], string, string | undefined, string[]]>([
  ["the backend's choice stands", ["wsproxy", "chat"], "chat", "chat", ["chat"]],
  ["nothing was chosen, wsproxy was offered", ["wsproxy", "chat"], "", "wsproxy", ["chat"]],
  ["nothing was chosen, and wsproxy was all there was", ["wsproxy"], "", "wsproxy", []],
  ["nothing was chosen, wsproxy was not offered", ["chat"], "", undefined, ["chat"]],
  ["nothing was offered beside the key", [], "", undefined, []],
])("D13 a key in a subprotocol: %s", async (_, offered, choice, answered, seen) => {
  chosen = choice;
  await gateway.serve({ routes: [{ policies: withKeys(["alice"], from) }] }, [backend.port]);
  const { status, headers } = await answer(protocols(...offered, `wsproxy.key.${b64(key)}`));
  expect([status, headers.get("sec-websocket-protocol")]).toEqual([101, answered]);
  expect(backend.last.values("sec-websocket-protocol").flatMap((it) => it.split(", "))).toEqual(seen);
});

test("where no credential may stand in a subprotocol, wsproxy is a subprotocol like any other", async () => {
  await gateway.serve({ routes: [{ policies: withKeys(["alice"]) }] }, [backend.port]);
  const offer = { headers: { "X-Api-Key": key, "Sec-WebSocket-Protocol": "wsproxy" } };
  expect((await answer(offer)).headers.get("sec-websocket-protocol")).toBeUndefined();
  expect(backend.last.values("sec-websocket-protocol")).toEqual(["wsproxy"]);
});

const signer = new Signer("ES256", "k1");
const jwt = { issuer: "https://idp.test/", audiences: ["chat"], jwks: { keys: [signer.jwk] } };
const token = signer.token({
  iss: "https://idp.test/",
  aud: "chat",
  sub: "carol",
  exp: Math.floor(Date.now() / 1000) + 600,
});
const [good, bad] = [{ "X-Api-Key": key }, { "X-Api-Key": "wrong-key-0123456789" }];
const [bearer, forged] = [{ Authorization: `Bearer ${token}` }, { Authorization: `Bearer ${token.slice(0, -4)}AAAA` }];

test.each<["All" | "Any", string, Record<string, string>, number, string]>([
  ["All", "both", { ...good, ...bearer }, 101, "alice"],
  ["All", "the key alone", good, 401, "CredentialMissing"],
  ["All", "the token alone", bearer, 401, "CredentialMissing"],
  ["All", "a wrong key", { ...bad, ...bearer }, 401, "CredentialInvalid"],
  ["All", "a forged token", { ...good, ...forged }, 401, "CredentialInvalid"],
  ["Any", "both", { ...good, ...bearer }, 101, "alice"],
  ["Any", "the key alone", good, 101, "alice"],
  ["Any", "the token alone", bearer, 101, "carol"],
  ["Any", "a wrong key beside a token that would do", { ...bad, ...bearer }, 401, "CredentialInvalid"],
  ["Any", "a forged token beside a key that would do", { ...good, ...forged }, 401, "CredentialInvalid"],
  ["Any", "neither", {}, 401, "CredentialMissing"],
])("require %s, %s: $3 $4", async (require, _, headers, status, said) => {
  await gateway.serve(
    { routes: [{ policies: { authentication: { require, apiKey: apiKey(["alice"]), jwt: [jwt] } } }] },
    [backend.port],
  );
  const given = await answer({ headers });
  expect(given.status).toBe(status);
  if (status !== 101) expect(reasonOf(given)).toBe(said);
  else {
    expect(backend.last.values("x-wsproxy-client")).toEqual([said]);
    expect([backend.last.values("authorization"), backend.last.values("x-api-key")]).toEqual([[], []]);
  }
});

test("a 401 names the accepted methods, and says invalid_token where a token was offered", async () => {
  await gateway.serve({ routes: [{ policies: { authentication: { require: "All", jwt: [jwt] } } }] }, [backend.port]);
  expect((await answer({})).headers.get("www-authenticate")).toBe('Bearer realm="wsproxy"');
  expect((await answer({ headers: forged })).headers.get("www-authenticate")).toBe(
    'Bearer realm="wsproxy", error="invalid_token"',
  );
});
