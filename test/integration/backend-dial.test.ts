import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { RawBackend, type BackendConnection } from "../fakes/backends.ts";
import { Authority } from "../fakes/certificates.ts";
import { RawClient, reasonOf, request } from "../fakes/clients.ts";
import { configOf, endpointsOf, type RouteParts } from "../fakes/config.ts";
import { text } from "../fakes/frames.ts";
import { GatewayProcess } from "../fakes/gateway-process.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { REFUSING_PORTS } from "../fakes/ports.ts";
import { until } from "../fakes/sockets.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

let ca: Authority;
let other: Authority;
beforeAll(async () => {
  ca = await Authority.create();
  other = await Authority.create("Other CA");
});

const polite = (connection: BackendConnection): void => {
  connection.socket.once("end", () => connection.socket.end());
  connection.accept();
};

async function backendOf(...args: ConstructorParameters<typeof RawBackend>): Promise<RawBackend> {
  const backend = await new RawBackend(args[0] ?? polite, args[1]).open();
  open.push(backend);
  return backend;
}

async function gatewayOf(route: RouteParts, ports: Parameters<typeof endpointsOf>[0]): Promise<TestGateway> {
  const gateway = await new TestGateway().serve({ routes: [route] }, ports);
  open.push(gateway);
  return gateway;
}

async function ask(gateway: TestGateway): Promise<string> {
  const client = await RawClient.send(gateway.port, request());
  const answer = await client.answer();
  client.socket.destroy();
  return answer.status === 101 ? "101" : `${answer.status} ${reasonOf(answer)}`;
}

const late = (backendConnect: string): RouteParts => ({ policies: { timeouts: { backendConnect } } });

test("an endpoint that refuses is passed over, and tried last for a while", async () => {
  const backend = await backendOf();
  const gateway = await gatewayOf({ loadBalancing: "RoundRobin" }, [REFUSING_PORTS[0], backend.port]);
  for (let n = 0; n < 10; n += 1) expect(await ask(gateway)).toBe("101");
  expect(backend.connections.length).toBe(10);
});

test("where every endpoint refuses the answer is 502, where there is none 503", async () => {
  expect(await ask(await gatewayOf({}, REFUSING_PORTS))).toBe("502 BackendUnreachable");
  expect(await ask(await gatewayOf({}, []))).toBe("503 NoEndpoints");
});

test("endpoints that come back are used at the next handshake", async () => {
  const backend = await backendOf();
  const gateway = await gatewayOf({}, []);
  expect(await ask(gateway)).toBe("503 NoEndpoints");
  await gateway.apply(configOf({}), endpointsOf([backend.port]));
  expect(await ask(gateway)).toBe("101");
});

test.each<[string, (connection: BackendConnection) => void, string]>([
  ["hangs up", ({ socket }) => socket.destroy(), "502 BackendUnreachable"],
  ["resets", ({ socket }) => socket.resetAndDestroy(), "502 BackendUnreachable"],
  ["answers nonsense", ({ socket }) => void socket.write("nonsense\r\n\r\n"), "502 BackendBadHandshake"],
  ["is silent", () => {}, "504 BackendTimeout"],
])("once it has the request, an endpoint that %s is the last one that is asked", async (_how, script, wanted) => {
  const first = await backendOf(script);
  const second = await backendOf(script);
  const gateway = await gatewayOf(late("300ms"), [first.port, second.port]);
  expect(await ask(gateway)).toBe(wanted);
  expect(first.connections.length + second.connections.length).toBe(1);
});

test("an endpoint counts a connection only as long as it has one, whatever became of it", async () => {
  const good = await backendOf();
  const bad = await backendOf(({ socket }) => void socket.end("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"));
  const gateway = await gatewayOf({ loadBalancing: "LeastConnections" }, [good.port, bad.port]);
  const clients: RawClient[] = [];
  // Refusals leave nothing behind: with one session open at the good one, the refusing one always has fewer.
  while (good.connections.length === 0) {
    clients.push(await RawClient.send(gateway.port, request()));
    await clients.at(-1)!.answer();
  }
  for (let n = 0; n < 5; n += 1) {
    const before = bad.connections.length;
    const client = await RawClient.send(gateway.port, request());
    expect((await client.answer()).status).toBe(503);
    expect(bad.connections.length).toBe(before + 1);
  }
  expect(good.connections.length).toBe(1);
  clients.forEach(({ socket }) => socket.destroy());
  await gateway.empty();
});

test("basic auth is the gateway's: what the client sent under Authorization does not go on", async () => {
  const backend = await backendOf();
  const basicAuth = { username: "gw", password: "p\u00e4ss:word" };
  const gateway = await gatewayOf({ backends: [{ endpoints: "echo:80", weight: 1, basicAuth }] }, [backend.port]);
  const client = await RawClient.send(
    gateway.port,
    request({ headers: { Authorization: "Basic eDp5", authorization: "Bearer x" } }),
  );
  expect((await client.answer()).status).toBe(101);
  expect(backend.last.values("authorization")).toEqual([
    `Basic ${Buffer.from("gw:p\u00e4ss:word").toString("base64")}`,
  ]);
  expect(gateway.logged).not.toContain("p\u00e4ss");
  client.socket.destroy();
});

describe("over TLS", () => {
  const route = (tls: object, more: RouteParts = {}): RouteParts => ({
    ...more,
    backends: [{ endpoints: "echo:80", weight: 1, tls: { serverName: "echo.internal", ca: ca.ca, ...tls } }],
  });
  const serverOf = async (
    parts: Parameters<Authority["issue"]>[0],
    by = ca,
    more: object = {},
  ): Promise<RawBackend> => {
    const { certificate, privateKey } = await by.issue(parts);
    return backendOf(polite, { cert: certificate, key: privateKey, ...more });
  };

  test("a certificate of the CA for the server name is what counts, not the address that is dialled", async () => {
    const backend = await serverOf({ names: ["echo.internal"] });
    expect(await ask(await gatewayOf(route({}), [backend.port]))).toBe("101");
  });

  test("an address may be the server name", async () => {
    const backend = await serverOf({ addresses: ["10.1.2.3"] });
    expect(await ask(await gatewayOf(route({ serverName: "10.1.2.3" }), [backend.port]))).toBe("101");
    const another = await serverOf({ addresses: ["127.0.0.1"] });
    expect(await ask(await gatewayOf(route({ serverName: "10.1.2.3" }), [another.port]))).toBe(
      "502 BackendUnreachable",
    );
  });

  test.each<[string, () => Promise<RawBackend>]>([
    ["for another name", () => serverOf({ names: ["other.internal"] })],
    ["for the address only", () => serverOf({ addresses: ["127.0.0.1"] })],
    ["of another CA", () => serverOf({ names: ["echo.internal"] }, other)],
    ["that has expired", () => serverOf({ names: ["echo.internal"], notAfter: new Date(Date.now() - 1000) })],
    [
      "over TLS 1.1 only",
      () =>
        serverOf({ names: ["echo.internal"] }, ca, {
          minVersion: "TLSv1",
          maxVersion: "TLSv1.1",
          ciphers: "DEFAULT@SECLEVEL=0",
        }),
    ],
  ])("B18 a certificate %s is 502, and the backend gets no byte of the request", async (_what, make) => {
    const backend = await make();
    expect(await ask(await gatewayOf(route({}), [backend.port]))).toBe("502 BackendUnreachable");
    expect(backend.connections.every(({ received }) => received.length === 0)).toBe(true);
  });

  test("B18 NODE_TLS_REJECT_UNAUTHORIZED=0 admits no certificate that would not be admitted without it", async () => {
    const env = { NODE_TLS_REJECT_UNAUTHORIZED: "0", NODE_NO_WARNINGS: "1" };
    const answer = async (backend: RawBackend): Promise<string> => {
      const gateway = await GatewayProcess.start({ env, config: { routes: [route({})] }, ports: [backend.port] });
      open.push(gateway);
      const client = await RawClient.send(gateway.port, request());
      const given = await client.answer();
      client.socket.destroy();
      return given.status === 101 ? "101" : `${given.status} ${reasonOf(given)}`;
    };
    expect(await answer(await serverOf({ names: ["echo.internal"] }))).toBe("101");
    const stranger = await serverOf({ names: ["echo.internal"] }, other);
    expect(await answer(stranger)).toBe("502 BackendUnreachable");
    expect(await answer(await serverOf({ names: ["other.internal"] }))).toBe("502 BackendUnreachable");
    expect(stranger.connections.every(({ received }) => received.length === 0)).toBe(true);
  });

  test("B18 without a CA of its own only public roots count", async () => {
    const backend = await serverOf({ names: ["echo.internal"] });
    expect(await ask(await gatewayOf(route({ ca: undefined }), [backend.port]))).toBe("502 BackendUnreachable");
  });

  test("the backend may ask for a certificate of the client", async () => {
    const client = await ca.issue({ names: ["gateway"] });
    const demanding = { requestCert: true, rejectUnauthorized: true, ca: ca.ca };
    const backend = await serverOf({ names: ["echo.internal"] }, ca, demanding);
    expect(await ask(await gatewayOf(route({ client }), [backend.port]))).toBe("101");
    expect(await ask(await gatewayOf(route({}), [backend.port]))).toMatch(/^502 /);
    const stranger = await other.issue({ names: ["gateway"] });
    expect(await ask(await gatewayOf(route({ client: stranger }), [backend.port]))).toMatch(/^502 /);
  });

  test("what a backend says right behind its 101 arrives whole and in order", async () => {
    const { certificate, privateKey } = await ca.issue({ names: ["echo.internal"] });
    const wanted = Buffer.concat(Array.from({ length: 2000 }, (_, n) => text(`message ${n} ${"x".repeat(50)}`)));
    const talk = (connection: BackendConnection): void => {
      connection.accept([], wanted);
      connection.socket.once("end", () => connection.socket.end());
    };
    const backend = await backendOf(talk, { cert: certificate, key: privateKey });
    const client = await RawClient.send((await gatewayOf(route({}), [backend.port])).port, request());
    expect((await client.answer()).status).toBe(101);
    await until("all of it came", () => client.payload.length >= wanted.length);
    expect(client.payload.equals(wanted)).toBe(true);
    client.socket.destroy();
  });

  test("an endpoint whose TLS fails is passed over", async () => {
    const [bad, good] = [await serverOf({ names: ["other.internal"] }), await serverOf({ names: ["echo.internal"] })];
    const gateway = await gatewayOf(route({}, { loadBalancing: "RoundRobin" }), [bad.port, good.port]);
    for (let n = 0; n < 4; n += 1) expect(await ask(gateway)).toBe("101");
    expect(good.connections.length).toBe(4);
  });

  test("a backend that never ends its TLS handshake is 504 at the deadline", async () => {
    const mute = createServer(() => {}).listen(0, "127.0.0.1");
    await once(mute, "listening");
    const gateway = await gatewayOf(route({}, late("200ms")), [(mute.address() as AddressInfo).port]);
    const started = performance.now();
    expect(await ask(gateway)).toBe("504 BackendTimeout");
    expect(performance.now() - started).toBeLessThan(8000); // it would be 60 s by default
    mute.close();
    await until("the connection was closed", () => gateway.attempts === 0);
  });

  test("a plain backend behind a TLS route is 502", async () => {
    const backend = await backendOf();
    expect(await ask(await gatewayOf(route({}, late("1s")), [backend.port]))).toMatch(/^50[24] /);
  });
});
