import { randomBytes } from "node:crypto";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ClientOptions, ServerOptions, WebSocket } from "ws";
import { dataPath, SharedPath } from "../../dataplane/tunnel/byte-source.ts";
import { systemClock } from "../../runtime/clock.ts";
import { WsBackend } from "../fakes/backends.ts";
import { Authority } from "../fakes/certificates.ts";
import { WsClient } from "../fakes/clients.ts";
import type { RouteParts } from "../fakes/config.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { until } from "../fakes/sockets.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

let ca: Authority;
beforeAll(async () => {
  ca = await Authority.create();
});

interface Between {
  readonly client: WsClient;
  readonly backend: WebSocket;
  readonly gateway: TestGateway;
}

interface Wishes {
  readonly protocols?: string[];
  readonly client?: ClientOptions;
  readonly server?: ServerOptions;
  readonly policies?: RouteParts["policies"];
  /** The backend does nothing of its own; otherwise it echoes. */
  readonly mute?: boolean;
}

const unlimited = { messageSize: { fromClient: "0", fromBackend: "0", maxFragments: 0 } };

describe.each([
  { how: "plain, read through shared", outside: false, inside: false, reads: new SharedPath() },
  { how: "plain, read through data", outside: false, inside: false, reads: dataPath },
  { how: "TLS outside", outside: true, inside: false, reads: new SharedPath() },
  { how: "TLS inside", outside: false, inside: true, reads: new SharedPath() },
  { how: "TLS outside and inside", outside: true, inside: true, reads: new SharedPath() },
])("$how", ({ outside, inside, reads }) => {
  /** A real client and a real backend with the gateway in between. */
  async function between(wishes: Wishes = {}): Promise<Between> {
    let socket: WebSocket | undefined;
    const keyPair = inside ? await ca.issue({ names: ["echo.internal"] }) : undefined;
    const echo = (it: WebSocket): void => void it.on("message", (data, binary) => it.send(data, { binary }));
    const backend = await new WsBackend(
      (it) => {
        socket = it;
        if (wishes.mute !== true) echo(it);
      },
      wishes.server,
      keyPair,
    ).open();
    open.push(backend);
    const target = {
      endpoints: "echo:80",
      weight: 1,
      ...(inside ? { tls: { serverName: "echo.internal", ca: ca.ca } } : {}),
    };
    const listener = outside
      ? { tls: { keyPair: await ca.issue({ names: ["a.test"], addresses: ["127.0.0.1"] }) } }
      : {};
    const routes = [{ backends: [target], policies: { ...unlimited, ...wishes.policies } }];
    const gateway = await new TestGateway(systemClock, Math.random, reads).serve({ ...listener, routes }, [
      backend.port,
    ]);
    open.push(gateway);
    const url = outside ? `wss://127.0.0.1:${gateway.port}/` : gateway.url();
    const client = await WsClient.open(url, wishes.protocols, { ca: ca.ca, ...wishes.client });
    await until("the backend is connected", () => socket !== undefined);
    return { client, backend: socket as WebSocket, gateway };
  }

  test.each([
    ["text", "größer", false],
    ["empty text", "", false],
    ["1 byte", "x", false],
    ["binary", Buffer.from([0, 255, 1]), true],
    ["empty binary", Buffer.alloc(0), true],
    ["125 bytes", randomBytes(125), true],
    ["126 bytes", randomBytes(126), true],
    ["64 KiB", randomBytes(65_536), true],
    ["16 MiB", randomBytes(16 * 1024 * 1024), true],
  ])("%s goes there and comes back", async (_what, data, binary) => {
    const { client } = await between();
    client.socket.send(data, { binary });
    client.socket.send("after");
    expect(await client.message(2)).toBe("after");
    const [first] = client.messages;
    expect(first?.binary).toBe(binary);
    expect(first?.data.equals(Buffer.from(data))).toBe(true);
    client.socket.terminate();
  });

  test("fragments with control frames in between arrive as one message", async () => {
    const { client, backend, gateway } = await between();
    const pings: string[] = [];
    backend.on("ping", (data) => pings.push(String(data)));
    client.socket.send("one ", { fin: false });
    client.socket.ping("between");
    client.socket.send("", { fin: false });
    client.socket.send("two ", { fin: false });
    client.socket.pong("unasked");
    client.socket.send("three", { fin: true });
    expect(await client.message()).toBe("one two three");
    await until("the pong", () => client.pongs.length === 1);
    expect(String(client.pongs[0])).toBe("between");
    expect(pings).toEqual(["between"]);
    expect(await gateway.metric("messages_total", { direction: "from_client" })).toBe(1);
    client.socket.terminate();
  });

  test("pings and pongs with payloads go both ways", async () => {
    const { client, backend } = await between();
    const pongs: string[] = [];
    backend.on("pong", (data) => pongs.push(String(data)));
    backend.ping("from the backend");
    backend.ping(Buffer.alloc(125, 97));
    client.socket.ping("from the client");
    client.socket.ping();
    await until("all answered", () => pongs.length === 2 && client.pongs.length === 2);
    expect(pongs).toEqual(["from the backend", "a".repeat(125)]);
    expect(client.pongs.map(String)).toEqual(["from the client", ""]);
    client.socket.terminate();
  });

  const noTakeover = { clientNoContextTakeover: true, serverNoContextTakeover: true };
  test.each<[string, ClientOptions, ServerOptions, boolean]>([
    ["with context takeover", {}, { perMessageDeflate: { threshold: 0 } }, true],
    ["without", { perMessageDeflate: noTakeover }, { perMessageDeflate: { ...noTakeover, threshold: 0 } }, true],
    ["with a backend that wants none", {}, { perMessageDeflate: false }, false],
  ])("compression is agreed on between the two ends: %s", async (_what, client, server, deflate) => {
    const it = await between({ client: { perMessageDeflate: { threshold: 0 }, ...client }, server });
    expect(it.client.socket.extensions).toBe(deflate ? "permessage-deflate" : "");
    for (let n = 1; n <= 3; n += 1) {
      it.client.socket.send("the same again and again".repeat(2000));
      expect(await it.client.message(n)).toBe("the same again and again".repeat(2000));
    }
    const bytes = await it.gateway.metric("bytes_total", { direction: "from_client" });
    if (deflate) expect(bytes).toBeLessThan(15_000);
    else expect(bytes).toBe(3 * 48_000);
    it.client.socket.terminate();
  });

  test("with compression Disabled the client's offer is not forwarded", async () => {
    const it = await between({
      policies: { ...unlimited, compression: "Disabled" },
      client: { perMessageDeflate: { threshold: 0 } },
      server: { perMessageDeflate: { threshold: 0 } },
    });
    expect(it.client.socket.extensions).toBe("");
    it.client.socket.send("plain");
    expect(await it.client.message()).toBe("plain");
    it.client.socket.terminate();
  });

  test("the backend chooses the subprotocol", async () => {
    const { client } = await between({
      protocols: ["v1", "v2"],
      server: { handleProtocols: (offered) => (offered.has("v2") ? "v2" : false) },
    });
    expect(client.socket.protocol).toBe("v2");
    client.socket.terminate();
  });

  const closes: [number | undefined, string, { code: number; reason: string }][] = [
    [undefined, "", { code: 1005, reason: "" }],
    [1000, "", { code: 1000, reason: "" }],
    [1001, "going", { code: 1001, reason: "going" }],
    [3999, "lib", { code: 3999, reason: "lib" }],
    [4000, "own", { code: 4000, reason: "own" }],
    [4999, "r".repeat(123), { code: 4999, reason: "r".repeat(123) }],
    [1011, "ä".repeat(61), { code: 1011, reason: "ä".repeat(61) }],
  ];

  test.each(closes)(
    "a Close of the client with %s %s is what the backend gets, and the other way round",
    async (code, reason, seen) => {
      const up = await between({ mute: true });
      let got: object | undefined;
      up.backend.on("close", (status, text) => (got = { code: status, reason: String(text) }));
      up.client.socket.close(code, reason === "" ? undefined : reason);
      expect(await up.client.close()).toEqual(seen);
      await until("the backend was told", () => got !== undefined);
      expect(got).toEqual(seen);
      await up.gateway.empty();
      expect(await up.gateway.metric("connections_closed_total", { by: "client", reason: "Closed" })).toBe(1);

      const down = await between({ mute: true });
      down.backend.close(code, reason === "" ? undefined : reason);
      expect(await down.client.close()).toEqual(seen);
      await down.gateway.empty();
      expect(await down.gateway.metric("connections_closed_total", { by: "backend", reason: "Closed" })).toBe(1);
    },
  );

  test.each(["FIN", "RST"])("a client that leaves without a Close (%s) leaves the backend without one", async (how) => {
    let wire: Socket | undefined;
    const createConnection: ClientOptions["createConnection"] = (options) => {
      wire = outside ? connectTls(options as ConnectionOptions) : connect(options as NetConnectOpts);
      return wire;
    };
    const { client, backend, gateway } = await between({ mute: true, client: { createConnection } });
    let seen: number | undefined;
    const heard: unknown[] = [];
    backend.on("close", (code) => (seen = code));
    backend.on("message", (data: Buffer) => heard.push(data.toString()));
    client.socket.send("last");
    await until("delivered", () => heard.length === 1);
    if (how === "RST" && !outside) wire?.resetAndDestroy();
    else wire?.end();
    await until("the backend sees it", () => seen !== undefined);
    expect(seen).toBe(1006);
    expect(heard).toEqual(["last"]);
    await gateway.empty();
    expect(await gateway.metric("connections_closed_total", { code: "1006", by: "client" })).toBe(1);
  });

  test("a backend that dies is 1013 to the client, behind all that it sent", async () => {
    const { client, backend, gateway } = await between({ mute: true });
    const data = randomBytes(100_000);
    for (let n = 0; n < 20; n += 1) backend.send(data);
    await until("sent", () => backend.bufferedAmount === 0);
    backend.terminate();
    expect(await client.close()).toEqual({ code: 1013, reason: "BackendLost" });
    expect(client.messages).toHaveLength(20);
    expect(client.messages.every((message) => message.data.equals(data))).toBe(true);
    await gateway.empty();
    expect(
      await gateway.metric("connections_closed_total", { code: "1013", reason: "BackendLost", by: "backend" }),
    ).toBe(1);
  });
});
