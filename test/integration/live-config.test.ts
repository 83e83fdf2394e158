import { createServer } from "node:net";
import { once } from "node:events";
import { connect } from "node:tls";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { withKeys } from "../fakes/api-keys.ts";
import { polite, RawBackend } from "../fakes/backends.ts";
import { keyPair } from "../fakes/certificates.ts";
import { RawClient, reasonOf, request, WsClient } from "../fakes/clients.ts";
import { configOf, endpointsOf, type ConfigParts, type RouteParts } from "../fakes/config.ts";
import { text } from "../fakes/frames.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { Live } from "../fakes/live.ts";
import { until } from "../fakes/sockets.ts";

let backend: RawBackend;
let gateway: TestGateway;
let certificates: { certificate: string; privateKey: string }[];

beforeAll(async () => {
  const begin = Date.now();
  certificates = [await keyPair(new Date(begin + 3_600_000)), await keyPair(new Date(begin + 7_200_000))];
});
beforeEach(async () => {
  backend = await new RawBackend(polite).open();
  gateway = new TestGateway();
});
afterEach(async () => {
  await gateway.close();
  await backend.close();
});

const policies = {
  ...withKeys(["alice"]),
  messages: { fromClient: [{ per: "Client", limit: 5, interval: "1h", onExceed: "Close" }], fromBackend: [] },
};
const route: RouteParts = { policies };
const base: ConfigParts = { routes: [route] };
const changed = (more: object): ConfigParts => ({ routes: [{ policies: { ...policies, ...more } }] });
const open = (target = "/"): Promise<Live> => Live.open(gateway, backend, { client: "alice", target });

async function apply(parts: ConfigParts, ports: number[] = [backend.port]): Promise<void> {
  expect(await gateway.apply(configOf(parts), endpointsOf(ports))).toEqual({ ok: true, proxy: "test/proxy" });
}

/** A message gets through, and nothing was counted as dropped. */
async function unharmed(live: Live, word = "on"): Promise<void> {
  live.client.send(text(word, true));
  await until("the message got through", () => live.texts("fromClient").at(-1) === word || live.client.ended);
  expect(live.texts("fromClient").at(-1)).toBe(word);
  expect(await gateway.metric("config_dropped_sessions_total")).toBe(0);
}

test.each<[string, ConfigParts]>([
  ["a new generation", { ...base, generation: 2 }],
  ["a route added", { routes: [route, { name: "more", path: { type: "Exact", value: "/more" } }] }],
  [
    "a route of higher precedence on the same path",
    { routes: [route, { ...route, name: "x", hostnames: ["a.test"] }] },
  ],
  [
    "the route's path and host",
    { routes: [{ ...route, path: { type: "Prefix", value: "/y" }, hostnames: ["b.test"] }] },
  ],
  ["another backend", { routes: [{ ...route, backends: [{ endpoints: "gone:80", weight: 1 }] }] }],
  ["no backend", { routes: [{ ...route, backends: [] }] }],
  ["a rewrite", { routes: [{ ...route, rewrite: { path: "/ws" } }] }],
  ["a hostname", { routes: [{ ...route, rewrite: { hostname: "echo.internal" } }] }],
  ["another load balancing", { routes: [{ ...route, loadBalancing: "Random" }] }],
  ["origins", changed({ origins: { allow: ["https://x.test"], allowMissing: false, sameOrigin: false } })],
  ["forwarding", changed({ forwarding: { clientHeader: "x-client", keepCredentials: true } })],
  ["compression", changed({ compression: "Disabled" })],
  ["a limit on attempts", changed({ attempts: [{ per: "Proxy", limit: 1, interval: "1h" }] })],
  ["fewer connections than are open", changed({ connections: [{ per: "Client", limit: 1 }] })],
  ["fewer connections to the pod than are open", { ...base, maxConnections: 1 }],
  [
    "a lower rate than was used",
    changed({ bytes: { fromClient: [], fromBackend: [{ per: "Proxy", limit: 1, interval: "1h" }] } }),
  ],
  ["smaller messages than were sent", changed({ messageSize: { fromClient: 2 } })],
  ["timeouts", changed({ timeouts: { idle: "1h", lifetime: "1h", handshake: "1s", backendConnect: "1s" } })],
  ["keepalive", changed({ keepalive: { interval: "1h", timeout: "1s" } })],
  ["slow consumers", changed({ slowConsumer: { maxBuffered: 1, timeout: "1s" } })],
  ["Shadow", changed({ enforcement: "Shadow" })],
  ["a deny list of others", changed({ deny: { clients: ["bob"], tokenIds: ["t"], addresses: ["192.0.2.0/24"] } })],
  ["trusted proxies", { ...base, trustedProxies: ["127.0.0.0/8"] }],
  ["the drain period and the access log", { ...base, drainPeriod: "1ms", access: "None" }],
  ["another port", { ...base, port: 8081 }],
])("%s ends no session", async (_, parts) => {
  await apply(base);
  const [one, two] = [await open(), await open()];
  await unharmed(one, "before");
  await apply(parts);
  await unharmed(one);
  await unharmed(two);
  expect(gateway.sessions).toBe(2);
});

test.each<[string, ConfigParts, string]>([
  ["a rewrite", { routes: [{ ...route, rewrite: { path: "/ws" } }] }, "GET /ws/room HTTP/1.1"],
  ["a hostname", { routes: [{ ...route, rewrite: { hostname: "echo.internal" } }] }, "Host: echo.internal\r\n"],
  ["a header for the client", changed({ forwarding: { clientHeader: "x-client" } }), "x-client: alice"],
  [
    "a header that is set",
    changed({ forwarding: { headers: { set: [{ name: "x-env", value: "prod" }] } } }),
    "x-env: prod",
  ],
  [
    "a port that is set",
    changed({ forwarding: { headers: { set: [{ name: "x-forwarded-port", value: "443" }] } } }),
    "x-forwarded-port: 443",
  ],
  ["origins", changed({ origins: { allow: [], allowMissing: false, sameOrigin: false } }), "OriginForbidden"],
  ["no endpoint", { routes: [{ ...route, backends: [] }] }, "NoEndpoints"],
  ["fewer connections", changed({ connections: [{ per: "Route", limit: 1 }] }), "ConnectionLimit"],
])("%s holds for new sessions", async (_, parts, sign) => {
  await apply(base);
  const live = await open();
  expect(live.backend.head).not.toContain(sign);
  await apply(parts);
  const seen = await open("/room").then(({ backend: { head } }) => head, String);
  expect(seen).toContain(sign);
  await unharmed(live);
});

test.each(["ws becomes wss", "wss becomes ws"])(
  "%s on the same port, and sessions on the old listener go on",
  async (which) => {
    const [plain, secure] = [{ routes: [{}] }, { routes: [{}], tls: { keyPair: certificates[0] as never } }];
    const toTls = which === "ws becomes wss";
    const options = { rejectUnauthorized: false };
    const url = (tls: boolean): string => `${tls ? "wss" : "ws"}://127.0.0.1:${gateway.port}/`;
    await apply(toTls ? plain : secure);
    const { port } = gateway;
    gateway.bindPort = () => port;
    const old = await WsClient.open(url(!toTls), [], options);
    await apply(toTls ? secure : plain);
    expect(gateway.port).toBe(port);
    await WsClient.open(url(toTls), [], options);
    await expect(WsClient.open(url(!toTls), [], options)).rejects.toThrow("refused");
    old.socket.send("on");
    await until("it got through", () => backend.connections[0]?.payload.length !== 0);
    expect(await gateway.metric("config_dropped_sessions_total")).toBe(0);
  },
);

test("the listener moves: the old port is closed, the new one serves, and the session on the old one goes on", async () => {
  await apply(base);
  const old = gateway.port;
  const live = await open();
  await apply({ ...base, port: 8081 });
  expect(gateway.port).not.toBe(old);
  await expect(RawClient.open(old)).rejects.toThrow("ECONNREFUSED");
  await (await open()).lives();
  await unharmed(live);
});

test("endpoints alone: new sessions go to the new ones, and those on the old one go on", async () => {
  await apply(base);
  const live = await open();
  const other = await new RawBackend().open();
  await apply(base, [other.port]);
  await (await Live.open(gateway, other, { client: "alice" })).lives();
  await apply(base, []);
  const refused = await RawClient.send(
    gateway.port,
    request({ headers: { "X-Api-Key": "alice-key-0123456789abcdef" } }),
  );
  expect(reasonOf(await refused.answer())).toBe("NoEndpoints");
  await unharmed(live);
  await other.close();
});

describe("a config that is refused leaves everything as it was", () => {
  const lower = changed({
    messages: { fromClient: [{ per: "Client", limit: 1, interval: "1h" }], fromBackend: [] },
    deny: { clients: ["alice"], tokenIds: [], addresses: [] },
  });
  const refuse = async (config: object, stage: string, said: string): Promise<void> => {
    const applied = await gateway.apply(config as never, endpointsOf([backend.port]));
    expect(applied).toMatchObject({ ok: false, stage });
    expect(JSON.stringify(applied)).toContain(said);
  };

  test.each<[string, () => object, string, string]>([
    ["an unknown key", () => ({ ...configOf(lower), novel: {} }), "config", "novel"],
    ["an unknown version", () => ({ ...configOf(lower), version: 2 }), "config", "version"],
    [
      "a certificate that is none",
      () => configOf({ ...lower, tls: { keyPair: { certificate: "x", privateKey: "y" } } }),
      "listener",
      "certificate",
    ],
    ["a certificate that is missing", () => configOf({ ...lower, tls: {} }), "listener", "certificate"],
    [
      "a key of another certificate",
      () =>
        configOf({
          ...lower,
          tls: { keyPair: { ...certificates[0], privateKey: certificates[1]?.privateKey } as never },
        }),
      "listener",
      "certificate",
    ],
  ])("%s", async (_, config, stage, said) => {
    await apply(base);
    const live = await open();
    const port = gateway.port;
    await refuse(config(), stage, said);
    expect(gateway.port).toBe(port);
    expect(await gateway.metric("config_rejected_total")).toBe(1);
    expect(gateway.gateway.ready).toBe(true);
    for (const word of ["1", "2", "3", "4", "5"]) await unharmed(live, word);
    await (await open()).lives();
    live.client.send(text("6", true));
    expect((await live.ended()).toClient).toBe("1008 MessageRate; retry-after=720");
  });

  test.each([
    ["moves to a port that is taken", false],
    ["moves to a port that is taken, and becomes wss", true],
  ])("a listener that %s", async (_, tls) => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const busy = (taken.address() as { port: number }).port;
    await apply(base);
    const live = await open();
    gateway.bindPort = () => busy;
    const secured = !tls ? {} : { tls: { keyPair: certificates[0] as never } };
    await refuse(configOf({ ...lower, port: 8081, ...secured }), "listener", `port ${busy} on 127.0.0.1 is in use`);
    expect(gateway.gateway.ready).toBe(true);
    await (await open()).lives();
    for (const word of ["1", "2", "3", "4", "5"]) await unharmed(live, word);
    taken.close();
    gateway.bindPort = () => 0;
    await apply({ ...base, port: 8082 });
    await (await open()).lives();
  });
});

test("a certificate is rotated: new connections get the new one, open sessions go on", async () => {
  const [first, second] = certificates;
  const secure = (pair: typeof first): ConfigParts => ({
    routes: [{}],
    tls: { keyPair: pair as NonNullable<typeof pair> },
  });
  await gateway.serve(secure(first), [backend.port]);
  const url = `wss://127.0.0.1:${gateway.port}/`;
  const served = async (): Promise<string> => {
    const socket = connect({ port: gateway.port, host: "127.0.0.1", rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };
  const client = await WsClient.open(url, [], { rejectUnauthorized: false });
  const before = await served();
  const expiry = await gateway.metric("certificate_expiry_timestamp_seconds");
  await gateway.serve(secure(second), [backend.port]);
  expect(await served()).not.toBe(before);
  expect((await gateway.metric("certificate_expiry_timestamp_seconds")) - expiry).toBe(3600);
  client.socket.send("on");
  await until("it got through", () => backend.connections[0]?.payload.length !== 0);
  // A Secret that is gone for a moment: the certificate in force stays.
  await gateway.serve({ ...secure(second), generation: 3, tls: {} }, [backend.port]);
  expect(await served()).not.toBe(before);
  expect(client.closed).toBeUndefined();
  expect(await gateway.metric("config_dropped_sessions_total")).toBe(0);
});
