import { afterEach, beforeEach, expect, test } from "vitest";
import { apiKey, digestOf } from "../fakes/api-keys.ts";
import { polite, RawBackend } from "../fakes/backends.ts";
import { RawClient, request, type HandshakeParts } from "../fakes/clients.ts";
import { frame, text } from "../fakes/frames.ts";
import { reading } from "../fakes/event-reader.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { Signer } from "../fakes/idp-signer.ts";
import { until } from "../fakes/sockets.ts";

const CANARY = "canary-3f9a1c77d2";
const b64 = (it: string): string => Buffer.from(it).toString("base64url");
const signer = new Signer("ES256", "k1");
const token = signer.token({
  iss: "https://idp.test/",
  aud: "chat",
  sub: "carol",
  jti: CANARY,
  exp: Math.floor(Date.now() / 1000) + 600,
});

let backend: RawBackend;
let gateway: TestGateway;
let basicAuth: object;

beforeEach(async () => {
  basicAuth = { username: "gateway", password: `${CANARY}-basic` };
  backend = await new RawBackend(polite).open();
  gateway = new TestGateway();
  const raw = { subprotocol: "raw-key", encoding: "Raw" };
  const from = [{ header: "x-api-key" }, { query: "apikey" }, { cookie: "k" }, { subprotocol: "wsproxy.key" }, raw];
  const policies = {
    authentication: {
      require: "Any",
      apiKey: apiKey([{ client: "alice", key: CANARY }], from),
      jwt: [{ issuer: "https://idp.test/", audiences: ["chat"], jwks: { keys: [signer.jwk] } }],
    },
    messages: { fromClient: [{ per: "Connection", limit: 2, interval: "1m", onExceed: "Drop" }], fromBackend: [] },
  };
  const backends = [{ endpoints: "echo:80", weight: 1, basicAuth }];
  await gateway.serve({ routes: [{ policies, backends, path: { type: "Prefix", value: "/ws" } }] }, [backend.port]);
});
afterEach(async () => {
  await gateway.close();
  await backend.close();
});

/** Every form in which the secret could be written down. */
const forms = [
  CANARY,
  b64(CANARY),
  Buffer.from(CANARY).toString("base64"),
  digestOf(CANARY),
  token,
  token.slice(-40),
  encodeURIComponent(CANARY),
];
const found = (where: string): string[] => forms.filter((form) => where.includes(form));

const wrong = `${CANARY}-wrong`;
const offers: [string, HandshakeParts, number][] = [
  ["a key in a header", { target: "/ws", headers: { "X-Api-Key": CANARY } }, 101],
  ["a key in the query", { target: `/ws?apikey=${CANARY}` }, 101],
  ["a key in a cookie", { target: "/ws", headers: { Cookie: `k=${CANARY}` } }, 101],
  [
    "a key in a subprotocol",
    { target: "/ws", headers: { "Sec-WebSocket-Protocol": `wsproxy, wsproxy.key.${b64(CANARY)}` } },
    101,
  ],
  [
    "a raw key in a subprotocol",
    { target: "/ws", headers: { "Sec-WebSocket-Protocol": `chat, raw-key.${CANARY}` } },
    101,
  ],
  ["a token", { target: "/ws", headers: { Authorization: `Bearer ${token}` } }, 101],
  ["a token in the query", { target: `/ws?access_token=${token}` }, 101],
  ["a wrong key in a header", { target: "/ws", headers: { "X-Api-Key": wrong } }, 401],
  ["a wrong key in the query", { target: `/ws?apikey=${wrong}` }, 401],
  ["a wrong key in a cookie", { target: "/ws", headers: { Cookie: `k=${wrong}` } }, 401],
  [
    "a wrong key in a subprotocol",
    { target: "/ws", headers: { "Sec-WebSocket-Protocol": `wsproxy.key.${b64(wrong)}` } },
    401,
  ],
  [
    "a wrong raw key in a subprotocol",
    { target: "/ws", headers: { "Sec-WebSocket-Protocol": `raw-key.${wrong}` } },
    401,
  ],
  ["a wrong token", { target: "/ws", headers: { Authorization: `Bearer ${token}x${CANARY}` } }, 401],
  ["two keys", { target: `/ws?apikey=${CANARY}`, headers: { "X-Api-Key": CANARY } }, 400],
  [
    "basic authentication",
    { target: "/ws", headers: { Authorization: `Basic ${Buffer.from(`u:${CANARY}`).toString("base64")}` } },
    401,
  ],
  ["a key to no route", { target: `/none?apikey=${CANARY}`, headers: { "X-Api-Key": CANARY } }, 404],
  ["a key in an absolute target", { target: `http://user:${CANARY}@a.test/ws` }, 400],
  [
    "a key in a handshake that is none",
    { target: `/ws?apikey=${CANARY}`, headers: { "X-Api-Key": CANARY, "Sec-WebSocket-Key": "x" } },
    400,
  ],
  [
    "a key in a request without upgrade",
    { target: `/ws?apikey=${CANARY}`, headers: { Upgrade: null, Connection: null } },
    426,
  ],
  ["a key in a request id", { target: "/none", headers: { "X-Request-Id": `${CANARY} ${CANARY}` } }, 404],
];

test.each(offers)(
  "O1 %s stands in no log, metric, answer, event or admin page, and the backend does not see it",
  async (_, offer, status) => {
    const watcher = reading(gateway.gateway);
    const client = await RawClient.send(gateway.port, request(offer));
    const answer = await client.answer();
    expect(answer.status).toBe(status);
    if (status === 101) {
      for (const word of ["1", "2", "3"]) client.send(text(`${word} ${CANARY}`, true));
      client.send(frame({ opcode: 9, mask: true, payload: CANARY }));
      await until("the ping got through", () => backend.last.payload.length > 60);
      expect(found(backend.last.head)).toEqual([]);
      expect(backend.last.values("authorization")).toEqual([
        `Basic ${Buffer.from(`gateway:${CANARY}-basic`).toString("base64")}`,
      ]);
    }
    const sessions = (await gateway.admin("/sessions")).body;
    expect(sessions.includes('"id"')).toBe(status === 101);
    client.socket.destroy();
    await gateway.empty();
    const pages = await Promise.all(
      ["/metrics", "/config", "/config/routes", "/readyz"].map((path) => gateway.admin(path)),
    );
    expect(watcher.of("handshake")).toMatchObject([{ status }]);
    const events = [watcher, reading(gateway.gateway)].map((reader) => reader.text);
    const answers = [client.received.toString("latin1"), sessions, ...pages.map(({ body }) => body)];
    const sinks = [gateway.logged, ...events, ...answers];
    expect(sinks.map(found)).toEqual(sinks.map(() => []));
    expect(gateway.lines.length).toBeGreaterThan(0);
  },
);

test("the error about a refused config quotes none of it", async () => {
  const config = JSON.parse(JSON.stringify(gateway.config).replaceAll(`${CANARY}-basic`, CANARY)) as Record<
    string,
    unknown
  >;
  const bad = JSON.parse(JSON.stringify(config).replace(/"disabled":false/, `"disabled":"${CANARY}"`));
  const applied = await gateway.apply(bad, gateway.endpoints as never);
  expect(applied.ok).toBe(false);
  expect(found(JSON.stringify(applied) + gateway.logged)).toEqual([]);
});

test.each(["/config", "/config/routes"])(
  "no secret stands in %s: neither keys' digests nor the backend's login",
  async (path) => {
    const { body } = await gateway.admin(path);
    for (const secret of [digestOf(CANARY), "gateway", CANARY, "keys", "digest", "password"])
      expect(body).not.toContain(secret);
  },
);
