import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { createServer as createTlsServer, type TlsOptions, type TLSSocket } from "node:tls";
import { afterEach, beforeAll, expect, test } from "vitest";
import type { BackendConfig } from "../../api/config.ts";
import { Authority } from "../../test/fakes/certificates.ts";
import { until } from "../../test/fakes/sockets.ts";
import { ipv6 } from "../../test/fakes/ipv6.ts";
import { connect, dialFault } from "./connect.ts";
import { BackendTlsCache } from "./tls.ts";
import type { Target } from "./balancer.ts";

const servers: { server: Server; sockets: Set<Socket> }[] = [];
afterEach(async () => {
  for (const { server, sockets } of servers.splice(0)) {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  }
});

let ca: Authority;
beforeAll(async () => {
  ca = await Authority.create();
});

async function serve(
  tls?: TlsOptions,
  host = "127.0.0.1",
): Promise<{ port: number; sockets: Set<Socket>; secured: TLSSocket[] }> {
  const sockets = new Set<Socket>();
  const secured: TLSSocket[] = [];
  const server =
    tls === undefined
      ? createServer()
      : createTlsServer(tls, (socket) => void secured.push(socket.on("error", () => {})));
  server.on("connection", (socket: Socket) => sockets.add(socket.on("error", () => {})));
  server.on("tlsClientError", () => {});
  server.listen(0, host);
  await once(server, "listening");
  servers.push({ server, sockets });
  return { port: (server.address() as AddressInfo).port, sockets, secured };
}

function target(port: number, tls?: BackendConfig["tls"], address = "127.0.0.1"): Target {
  const backend = { endpoints: "echo:80", weight: 1, ...(tls === undefined ? {} : { tls }) };
  return {
    backend,
    endpoint: { address, port, state: "Ready" },
    enter: () => () => {},
    refused: () => {},
    whenGone: () => () => {},
  };
}

const dial = (to: Target, signal = new AbortController().signal): Promise<Socket> =>
  connect(to, { tls: new BackendTlsCache(), ownPort: () => undefined }, signal);

test("a connection is half-open and has sent nothing", async () => {
  const { port, sockets } = await serve();
  const socket = await dial(target(port));
  expect([socket.allowHalfOpen, socket.bytesWritten]).toEqual([true, 0]);
  await until("it was accepted", () => sockets.size === 1);
  socket.destroy();
});

test("a refused connection rejects, and so does one that is aborted before or meanwhile", async () => {
  const { port } = await serve();
  const server = servers.splice(0)[0]!.server;
  server.close();
  await once(server, "close");
  await expect(dial(target(port))).rejects.toThrow(/ECONNREFUSED/);
  await expect(dial(target(port), AbortSignal.abort())).rejects.toThrow("aborted");
  const mute = await serve(); // speaks no TLS
  const stop = new AbortController();
  const pending = dial(target(mute.port, { serverName: "a.test", ca: ca.ca }), stop.signal);
  await until("it was accepted", () => mute.sockets.size === 1);
  stop.abort();
  await expect(pending).rejects.toThrow("aborted");
  const [accepted] = mute.sockets;
  accepted?.resume();
  await until("its connection is gone", () => accepted?.readableEnded === true || accepted?.destroyed === true);
});

test.each([
  ["a name", "a.test", { names: ["a.test"] }, "a.test"],
  ["an address", "10.1.2.3", { addresses: ["10.1.2.3"] }, false],
  ["an IPv6 address", "2001:db8::1", { addresses: ["2001:db8::1"] }, false],
])(
  "%s is what the certificate is checked for, and SNI only where it is a name",
  async (_what, serverName, parts, sni) => {
    const { certificate, privateKey } = await ca.issue(parts);
    const { port, secured } = await serve({ cert: certificate, key: privateKey });
    const socket = await dial(target(port, { serverName, ca: ca.ca }));
    await until("the server has it", () => secured.length === 1);
    expect(secured[0]?.servername || false).toBe(sni);
    socket.destroy();
    await expect(dial(target(port, { serverName: "10.9.9.9", ca: ca.ca }))).rejects.toThrow(/10\.9\.9\.9/);
    await expect(dial(target(port, { serverName: "other.test", ca: ca.ca }))).rejects.toThrow(/other\.test/);
  },
);

test.skipIf(!ipv6)(
  "an endpoint at an IPv6 address is dialled, its name in SNI and its certificate checked",
  async () => {
    const { certificate, privateKey } = await ca.issue({ names: ["a.test"] });
    const { port, secured } = await serve({ cert: certificate, key: privateKey }, "::1");
    const socket = await dial(target(port, { serverName: "a.test", ca: ca.ca }, "::1"));
    await until("the server has it", () => secured.length === 1);
    expect([socket.remoteAddress, secured[0]?.servername]).toEqual(["::1", "a.test"]);
    socket.destroy();
    await expect(dial(target(port, { serverName: "b.test", ca: ca.ca }, "::1"))).rejects.toThrow(/b\.test/);
  },
);

test.each([
  [
    { address: "2001:db8::1", port: 80 },
    "connect ECONNREFUSED 2001:db8::1:80",
    "connect ECONNREFUSED [2001:db8::1]:80",
  ],
  [{ address: "10.0.0.1", port: 80 }, "connect ECONNREFUSED 10.0.0.1:80", "connect ECONNREFUSED 10.0.0.1:80"],
  [{ address: "localhost", port: 80 }, "", "connect ECONNREFUSED localhost:80"],
  [{ address: "10.0.0.1", port: 80 }, "certificate has expired", "certificate has expired"],
])("for logs a fault of %j with the words %j is %j", (endpoint, message, words) => {
  const error = Object.assign(new Error(message), { code: "ECONNREFUSED" });
  expect(dialFault(error, { ...endpoint, state: "Ready" })).toBe(words);
});

test("the same certificates share one TLS context", () => {
  const cache = new BackendTlsCache();
  const one = cache.contextOf({ serverName: "a.test", ca: ca.ca });
  expect(cache.contextOf({ serverName: "b.test", ca: ca.ca })).toBe(one);
  expect(cache.contextOf({ serverName: "a.test" })).not.toBe(one);
});

const inThisPod = (port: number, tls?: BackendConfig["tls"]): Target => target(port, tls, "localhost");

test("an endpoint in the pod itself is dialled at 127.0.0.1", async () => {
  const { port, sockets } = await serve();
  const socket = await dial(inThisPod(port));
  expect(socket.remoteAddress).toBe("127.0.0.1");
  expect(sockets.size).toBe(1);
  socket.destroy();
});

test.skipIf(!ipv6)(
  "an endpoint in the pod itself that listens on ::1 only is dialled there, with TLS too",
  async () => {
    const { port } = await serve(undefined, "::1");
    const socket = await dial(inThisPod(port));
    expect(socket.remoteAddress).toBe("::1");
    socket.destroy();
    const { certificate, privateKey } = await ca.issue({ names: ["localhost"] });
    const secure = await serve({ cert: certificate, key: privateKey }, "::1");
    const over = await dial(inThisPod(secure.port, { serverName: "localhost", ca: ca.ca }));
    expect(over.remoteAddress).toBe("::1");
    over.destroy();
  },
);

test.skipIf(!ipv6)("a fault of TLS at 127.0.0.1 is no reason to dial ::1", async () => {
  const { port } = await serve();
  servers.at(-1)?.server.on("connection", (socket: Socket) => socket.end("no TLS"));
  const { certificate, privateKey } = await ca.issue({ names: ["localhost"] });
  const other = createTlsServer({ cert: certificate, key: privateKey }).listen(port, "::1");
  await once(other, "listening");
  servers.push({ server: other, sockets: new Set() });
  await expect(dial(inThisPod(port, { serverName: "localhost", ca: ca.ca }))).rejects.toThrow(/ssl|packet|version/i);
});

test("an endpoint in the pod itself that listens nowhere is one fault, which names both addresses", async () => {
  const { port } = await serve();
  const [only] = servers.splice(-1);
  only?.server.close();
  const { endpoint } = inThisPod(port);
  const fault = await dial(inThisPod(port)).catch((error: unknown) => error);
  expect(dialFault(fault, endpoint)).toMatch(
    new RegExp(`^connect ECONNREFUSED 127\\.0\\.0\\.1:${port}, E[A-Z]+ \\[::1\\]:${port}$`),
  );
});
