import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { apiKey, keyOf, withKeys } from "../fakes/api-keys.ts";
import { RawBackend } from "../fakes/backends.ts";
import { RawClient, reasonOf, request, type HandshakeParts } from "../fakes/clients.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { Signer } from "../fakes/idp-signer.ts";
import { proxy, secret, slice, translated } from "../fakes/resources.ts";

let backend: RawBackend;
let gateway: TestGateway;

beforeEach(async () => {
  backend = await new RawBackend().open();
  gateway = new TestGateway();
});
afterEach(async () => {
  await gateway.close();
  await backend.close();
});

/** What the gateway answers to a handshake: 101, or status and reason. */
async function answer(offer: HandshakeParts, port = gateway.port): Promise<string> {
  const given = await (await RawClient.send(port, request(offer))).answer();
  return given.status === 101 ? "101" : `${given.status} ${reasonOf(given)}`;
}

const key = keyOf("alice");
const key64 = Buffer.from(key).toString("base64url");
const [evil, own] = [{ Origin: "https://evil.test" }, { Origin: "http://a.test" }];
const FORBIDDEN = "403 OriginForbidden";

describe("places as the guide shows them", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/guides/api-keys.md"), "utf8");
  const blocks = [...page.matchAll(/```yaml\n([^]*?)```/g)].map(([, text = ""]) => parse(text) as { apiKey?: object });
  const from = (place: string): object => blocks.find((one) => JSON.stringify(one.apiKey)?.includes(place)) ?? {};

  /** Serves a proxy with this authentication, translated from its manifests. */
  async function serve(authentication: object): Promise<number> {
    const selector = { matchLabels: { keys: "chat" } };
    const { apiKey: places } = authentication as { apiKey: object };
    const { config, endpoints, status } = translated({
      proxy: proxy({
        policies: { authentication: { apiKey: { ...places, secretSelector: selector } } },
        routes: [{ name: "chat", backends: [{ service: "echo", port: 80 }] }],
      }),
      secrets: [secret("keys", { alice: key }, { labels: selector.matchLabels })],
      endpointSlices: [slice("echo", [{ port: backend.port }], ["127.0.0.1"])],
    });
    expect(status.problems).toEqual([]);
    if (config === undefined) throw new Error("not accepted");
    expect((await gateway.apply(config, endpoints)).ok).toBe(true);
    return gateway.gateway.port("demo/chat") ?? 0;
  }

  test.each<[string, HandshakeParts, string]>([
    ["in the header, without Origin", { headers: { "X-Api-Key": key } }, "101"],
    ["in the query, without Origin", { target: `/?apikey=${key}` }, "101"],
    [
      "in the subprotocol, without Origin",
      { headers: { "Sec-WebSocket-Protocol": `wsproxy, wsproxy.key.${key64}` } },
      "101",
    ],
    ["in the header, from another site", { headers: { "X-Api-Key": key, ...evil } }, "101"],
    ["in the header, beside another cookie", { headers: { "X-Api-Key": key, Cookie: "session=x" } }, "101"],
    ["G4, G6 in the cookie, without Origin", { headers: { Cookie: `wsproxy-key=${key}` } }, FORBIDDEN],
    ["G6 in the cookie, from another site", { headers: { Cookie: `wsproxy-key=${key}`, ...evil } }, FORBIDDEN],
    ["G2, G6 in the cookie, from null", { headers: { Cookie: `wsproxy-key=${key}`, Origin: "null" } }, FORBIDDEN],
    ["in the cookie, from the same origin", { headers: { Cookie: `wsproxy-key=${key}`, ...own } }, "101"],
    ["nowhere, from another site", { headers: evil }, "401 CredentialMissing"],
  ])("a key %s", async (_, offer, wanted) => {
    const port = await serve(from("cookie"));
    expect(await answer(offer, port)).toBe(wanted);
    expect(backend.connections).toHaveLength(wanted === "101" ? 1 : 0);
  });

  test("a client of OpenAI's kind offers its key raw, and the backend sees the rest of its offer", async () => {
    const port = await serve(from("openai"));
    const offered = `realtime, openai-insecure-api-key.${key}, openai-beta.realtime-v1`;
    expect(await answer({ headers: { "Sec-WebSocket-Protocol": offered } }, port)).toBe("101");
    expect(backend.last.values("sec-websocket-protocol")).toEqual(["realtime, openai-beta.realtime-v1"]);
    expect(backend.last.head + gateway.logged).not.toContain(key);
  });
});

const signer = new Signer("ES256", "k1");
const exp = Math.floor(Date.now() / 1000) + 600;
const token = signer.token({ iss: "https://idp.test/", aud: "chat", sub: "carol", exp });
const jwt = {
  ...{ issuer: "https://idp.test/", audiences: ["chat"], jwks: { keys: [signer.jwk] } },
  from: [{ header: "authorization" }, { cookie: "token" }],
};
const inCookie = { allow: [], sameOrigin: true, cookies: [{ cookie: "token" }], cookiesOnly: true };
const [withKey, withCookie] = [{ "X-Api-Key": key }, { Cookie: `token=${token}` }];
const bearer = { Authorization: `Bearer ${token}` };

test.each<["All" | "Any", string, HandshakeParts["headers"], string]>([
  ["All", "key and token in headers", { ...withKey, ...bearer }, "101"],
  ["All", "key in a header, token in the cookie", { ...withKey, ...withCookie }, FORBIDDEN],
  ["All", "key in a header, token in the cookie, same origin", { ...withKey, ...withCookie, ...own }, "101"],
  ["All", "key in a header, token in the cookie, other site", { ...withKey, ...withCookie, ...evil }, FORBIDDEN],
  ["Any", "key in a header", { ...withKey, ...evil }, "101"],
  [
    "Any",
    "G6 key in a header beside a cookie that another site may have sent",
    { ...withKey, ...withCookie, ...evil },
    FORBIDDEN,
  ],
  ["Any", "token in the cookie", withCookie, FORBIDDEN],
  ["Any", "token in the cookie, same origin", { ...withCookie, ...own }, "101"],
  ["Any", "an empty cookie, which is no credential", { ...withKey, Cookie: "token=" }, "101"],
  ["Any", "a wrong token in the cookie", { Cookie: "token=x.y.z" }, FORBIDDEN],
  ["Any", "nothing", {}, "401 CredentialMissing"],
])("require %s, %s: $3", async (require, _, headers, wanted) => {
  const authentication = { require, apiKey: apiKey(["alice"]), jwt };
  await gateway.serve({ routes: [{ policies: { authentication, origins: inCookie } }] }, [backend.port]);
  expect(await answer({ headers: headers ?? {} })).toBe(wanted);
});

test("the 403 and the log say that Origin was missing, and not what the cookie holds", async () => {
  const policies = { ...withKeys(["alice"], [{ cookie: "token" }]), origins: inCookie };
  await gateway.serve({ routes: [{ policies }] }, [backend.port]);
  const client = await RawClient.send(gateway.port, request({ headers: { Cookie: `token=${key}` } }));
  const { status, body } = await client.answer();
  expect([status, body]).toEqual([403, expect.stringContaining("The Origin header is missing")]);
  const line = gateway.lines.find(({ message }) => message === "handshake refused");
  expect(line?.fields["cause"]).toBe("the credential is in a cookie: Origin is missing");
  expect(body + gateway.logged).not.toContain(key);
});
