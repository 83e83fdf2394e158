import { afterEach, beforeEach, expect, test } from "vitest";
import { RawBackend } from "../fakes/backends.ts";
import { RawClient, reasonOf } from "../fakes/clients.ts";
import { configOf, endpointsOf, type RouteParts } from "../fakes/config.ts";
import { FakeClock } from "../fakes/clock.ts";
import { text } from "../fakes/frames.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { headOf, Pending } from "../fakes/pending.ts";
import { SlowIssuer } from "../fakes/slow-issuer.ts";
import { until } from "../fakes/sockets.ts";

let backend: RawBackend;
let gateway: TestGateway;
let issuer: SlowIssuer;
let clock: FakeClock;
const open: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  backend = await new RawBackend(() => {}).open();
  issuer = await new SlowIssuer().open();
  clock = new FakeClock(Date.now());
  gateway = new TestGateway(clock);
});
afterEach(async () => {
  await gateway.close();
  for (const one of [backend, issuer, ...open.splice(0)]) await one.close();
});

async function another(): Promise<RawBackend> {
  const more = await new RawBackend().open();
  open.push(more);
  return more;
}

async function change(
  routes: readonly RouteParts[],
  ports: readonly number[] | Record<string, number[]>,
): Promise<void> {
  const config = configOf({ trustedProxies: ["127.0.0.1"], routes });
  expect(await gateway.apply(config, endpointsOf(ports))).toMatchObject({ ok: true });
}

const asked = (policies: object = {}): RouteParts => ({ policies: { authentication: issuer.policy, ...policies } });
const bearer = { address: "192.0.2.1", headers: { Authorization: "Bearer opaque" } };

/** A handshake that waits for its issuer, with a frame right behind its head. */
async function waiting(): Promise<RawClient> {
  const before = issuer.waiting;
  const client = await RawClient.send(gateway.port, Buffer.concat([Buffer.from(headOf(bearer)), text("early", true)]));
  await until("its token is asked about", () => issuer.waiting > before);
  return client;
}

const denied = (part: object): object => ({ deny: { clients: [], tokenIds: [], addresses: [], ...part } });

test.each<[string, () => Promise<void>, string]>([
  ["its client is denied", () => change([asked(denied({ clients: ["alice"] }))], [backend.port]), "403 Denied"],
  [
    "its address is denied",
    () => change([asked(denied({ addresses: ["192.0.2.1/32"] }))], [backend.port]),
    "403 Denied",
  ],
  ["its route is removed", () => change([{ ...asked(), name: "other" }], [backend.port]), "404 RouteNotFound"],
  [
    "another method is required",
    () =>
      change(
        [{ policies: { authentication: { require: "All", jwt: [{ issuer: "x", audiences: ["y"], jwks: {} }] } } }],
        [backend.port],
      ),
    "401 CredentialRevoked",
  ],
])("a handshake is refused before any backend is dialled when %s while its issuer is asked", async (_, make, told) => {
  await change([asked()], [backend.port]);
  const client = await waiting();
  await make();
  issuer.release();
  const answer = await client.answer();
  expect(`${answer.status} ${reasonOf(answer)}`).toBe(told);
  expect(backend.connections).toHaveLength(0);
  await gateway.empty();
  expect(gateway.gateway.proxies[0]?.occupancy.size).toBe(0);
});

test("a limit that was added while an issuer was asked counts the waiting handshake", async () => {
  await change([asked()], [backend.port]);
  issuer.hold((token) => token !== "first");
  const first = await Pending.open(gateway, backend, { headers: { Authorization: "Bearer first" } });
  const client = await waiting();
  await change([asked({ connections: [{ per: "Client", limit: 1 }] })], [backend.port]);
  issuer.release();
  const answer = await client.answer();
  expect(`${answer.status} ${reasonOf(answer)}`).toBe("429 ConnectionLimit");
  expect(backend.connections).toHaveLength(1);
  await first.opens();
});

test("a handshake goes to the backend that its route has when the issuer answers", async () => {
  const moved = await another();
  await change([asked()], [backend.port]);
  const client = await waiting();
  await change([{ ...asked(), rewrite: { path: "/moved" } }], [moved.port]);
  issuer.release();
  expect((await client.answer()).status).toBe(101);
  expect(moved.last.head).toContain("GET /moved HTTP/1.1");
  expect(backend.connections).toHaveLength(0);
});

test("a route that now serves other paths still takes the handshake that matched it, by its old path", async () => {
  const moved = await another();
  await change([asked()], [backend.port]);
  const client = await waiting();
  const path = { type: "Prefix", value: "/new" } as const;
  await change([{ ...asked(), path, rewrite: { path: "/moved" } }], [moved.port]);
  issuer.release();
  expect((await client.answer()).status).toBe(101);
  expect(moved.last.head).toContain("GET / HTTP/1.1");
});

test("a session obeys the limits in force at its first byte, not those at the time of its dial", async () => {
  await change(
    [{ policies: { messageSize: { fromClient: "1Mi", fromBackend: "1Mi", maxFragments: 1 } } }],
    [backend.port],
  );
  const pending = await Pending.open(gateway, backend, {}, text("x".repeat(2000), true));
  await change(
    [{ policies: { messageSize: { fromClient: "1Ki", fromBackend: "1Mi", maxFragments: 1 } } }],
    [backend.port],
  );
  pending.backend.accept();
  expect((await pending.client.answer()).status).toBe(101);
  await until("the session ended", () => pending.client.told && pending.backend.told);
  // To each end one Close and nothing else; the backend's is masked.
  expect(pending.client.payload.toString("latin1")).toBe("\x88\x0f\x03\xf1MessageTooBig");
  expect(pending.backend.payload).toHaveLength(2 + 4 + 15);
  expect(pending.backend.payload[0]).toBe(0x88);
});

test("a dial by an older config passes over an endpoint that is gone, and keeps one that is only no longer listed", async () => {
  const [other, next] = [await another(), await another()];
  // Over TLS, a server that says nothing to the hello keeps the dial waiting.
  const backends = [{ endpoints: "silent:80", weight: 1, tls: { serverName: "a.test" } }];
  await change([{ backends }], { "silent:80": [backend.port] });
  const client = await RawClient.send(gateway.port, headOf({}));
  await until("it is dialled", () => backend.connections.length === 1);
  await change([{ backends: [{ endpoints: "other:80", weight: 1 }] }], { "other:80": [other.port] });
  await RawClient.send(gateway.port, headOf({})).then((it) => it.answer());
  expect([client.answered, backend.last.closed, other.connections.length]).toEqual([false, false, 1]);
  await change([{ backends }], { "silent:80": [next.port] });
  await until("it is dialled anew", () => next.connections.length === 1);
  await until("the first is let go", () => backend.last.ended || backend.last.closed);
  expect(client.answered).toBe(false);
});

test("a handshake whose proxy is removed is refused at once, and nothing keeps the proxy", async () => {
  await change([{}], [backend.port]);
  const [proxy] = gateway.gateway.proxies;
  const pending = await Pending.open(gateway, backend);
  const removed = gateway.gateway.remove("test/proxy");
  expect(await pending.lost()).toMatchObject({ told: "503 Draining", leaked: "" });
  await until("its handshake is over", () => proxy?.attempts === 0);
  expect(proxy?.occupancy.size).toBe(0);
  clock.advance(20);
  await removed;
});
