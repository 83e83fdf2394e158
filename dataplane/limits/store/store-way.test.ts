import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { getActiveResourcesInfo } from "node:process";
import { describe, expect, onTestFinished, test } from "vitest";
import { Authority } from "../../../test/fakes/certificates.ts";
import { LinkBench } from "../../../test/fakes/store-link.ts";
import { until } from "../../../test/fakes/sockets.ts";
import { storeTls } from "../../../test/store/demands.ts";
import { STORE_LACKS, STORE_TLS_LACKS } from "../../../test/store/programs.ts";
import { Relay } from "../../../test/store/relay.ts";
import { StoreServer } from "../../../test/store/server.ts";

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A TCP server that does this with each connection. */
async function peer(on: (socket: Socket) => void): Promise<{ address: string; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    on(socket);
    socket.resume();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, sockets };
}

const refusals = (bench: LinkBench): Promise<void> => until("it is told", () => bench.lines.length > 0);

describe.skipIf(STORE_TLS_LACKS !== undefined)("over TLS (skipped where redis-server is missing)", () => {
  const serve = async (authority: Authority): Promise<StoreServer> =>
    StoreServer.start([], undefined, { tls: await storeTls(authority, "store.test") });

  test("a certificate of the authority, for the name of the settings, is good", async () => {
    const authority = await Authority.create();
    const server = await serve(authority);
    const bench = new LinkBench({ address: server.address, tls: { serverName: "store.test", ca: authority.ca } });
    await until("it is available", () => bench.link.available);
    expect(await bench.add()).toBe(1);
    const byAddress = new LinkBench({ address: server.address, tls: { serverName: "127.0.0.1", ca: authority.ca } });
    await until("it is available by its address", () => byAddress.link.available);
  });

  test.each([
    ["another name", "its certificate is for another name", "other.test", true],
    ["another authority", "its certificate is of an authority that is not trusted", "store.test", false],
  ])("a certificate for %s is not", async (_what, cause, serverName, right) => {
    const authority = await Authority.create();
    const server = await serve(authority);
    const ca = right ? authority.ca : (await Authority.create("Other CA")).ca;
    const bench = new LinkBench({ address: server.address, tls: { serverName, ca } });
    await refusals(bench);
    await rest(300);
    expect([bench.lines, bench.joins]).toEqual([[`store unavailable: ${cause}`], 0]);
    bench.link.configure({
      address: server.address,
      tls: { serverName: "store.test", ca: authority.ca },
      resolved: true,
    });
    await until("it is available with the right settings", () => bench.link.available);
  });

  test("public roots are not those of a test's authority", async () => {
    const server = await serve(await Authority.create());
    const bench = new LinkBench({ address: server.address, tls: { serverName: "store.test" } });
    await refusals(bench);
    expect(bench.lines).toEqual(["store unavailable: its certificate is of an authority that is not trusted"]);
  });

  test("a server that speaks no TLS is none", async () => {
    const server = await StoreServer.start();
    const bench = new LinkBench({ address: server.address, tls: { serverName: "store.test" } });
    await refusals(bench);
    expect(bench.link.available).toBe(false);
  });
});

describe.skipIf(STORE_LACKS !== undefined)("the login (skipped where redis-server is missing)", () => {
  const address = (server: StoreServer) => ({ address: server.address, resolved: true });
  const login = (username: string, password: string) => ({ credentials: { username, password } });

  test("without a user name is the default user's, and with one that user's", async () => {
    const server = await StoreServer.start([], undefined, {
      password: "secret",
      users: ["gateway on >other ~{demo/chat}:* resetchannels -@all +hello +ping +eval +evalsha +incr +set"],
    });
    for (const credentials of [login("", "secret"), login("gateway", "other")]) {
      const bench = new LinkBench({ ...address(server), ...credentials });
      await until("it is available", () => bench.link.available);
      await bench.add();
    }
  });

  test("that is missing or wrong is told without it, and the right one is taken as soon as it comes", async () => {
    const server = await StoreServer.start([], undefined, { password: "secret" });
    const missing = new LinkBench(address(server));
    await refusals(missing);
    expect(missing.lines).toEqual(["store unavailable: it wants a password"]);
    const bench = new LinkBench({ ...address(server), ...login("", "wr0ng") });
    await refusals(bench);
    expect(bench.lines).toEqual(["store unavailable: it refuses the user name or the password"]);
    bench.link.configure({ ...address(server), ...login("", "secret") });
    await until("it is available", () => bench.link.available);
    await server.ask("CONFIG", "SET", "requirepass", "wr0ng");
    const late = new LinkBench({ ...address(server), ...login("", "wr0ng") });
    await until("the password was made right", () => late.link.available);
    expect(JSON.stringify([bench.log.lines, late.log.lines])).not.toContain("wr0ng");
  });

  test("of a user that may do too little is told, and tried again", async () => {
    const server = await StoreServer.start([], undefined, {
      users: ["gateway on >other ~{demo/chat}:* resetchannels -@all +hello +ping +eval +evalsha"],
    });
    const bench = new LinkBench({ ...address(server), ...login("gateway", "other") });
    await refusals(bench);
    expect(bench.lines).toEqual(["store unavailable: its user may not do what is needed"]);
    await server.ask("ACL", "SETUSER", "gateway", "+incr", "+set");
    await until("it is available", () => bench.link.available);
  });
});

describe.skipIf(STORE_LACKS !== undefined)("other settings (skipped where redis-server is missing)", () => {
  test("that reach the store in the same way change nothing, and others make one new connection", async () => {
    const server = await StoreServer.start();
    const relay = await Relay.open(server);
    const settings = { address: relay.address, resolved: true };
    const bench = new LinkBench(settings);
    await until("it is available", () => bench.link.available);
    bench.link.configure({ ...settings, credentialsSecretName: "other" });
    expect([bench.link.available, bench.joins]).toEqual([true, 1]);
    const other = await StoreServer.start();
    bench.link.configure({ ...settings, address: other.address });
    expect(bench.link.available).toBe(false);
    await until("it is available", () => bench.link.available);
    expect(await other.ask("GET", "{demo/chat}:pods:joined")).toBe("2");
    await until("the old connection is gone", async () => (await relay.count()).open === 0);
    expect(bench.lines).toEqual(["store available", "store unavailable: its settings changed", "store available"]);
  });

  test("whose Secret is missing are not dialled", async () => {
    const server = await StoreServer.start();
    const relay = await Relay.open(server);
    const bench = new LinkBench({ address: relay.address, resolved: false });
    await rest(300);
    expect(bench.lines).toEqual(["store unavailable: its Secret could not be resolved"]);
    expect((await relay.count()).ever).toBe(0);
    bench.link.configure({ address: relay.address, resolved: true });
    await until("it is available", () => bench.link.available);
    bench.link.configure({ address: relay.address, resolved: false });
    expect(bench.link.available).toBe(false);
    await until("it is not connected", async () => (await relay.count()).open === 0);
  });

  test("fifty in a row leave one connection, and no listener behind", async () => {
    const server = await StoreServer.start();
    const relay = await Relay.open(server);
    const warnings: string[] = [];
    const warned = (warning: Error): void => void warnings.push(warning.message);
    process.on("warning", warned);
    const bench = new LinkBench({ address: relay.address });
    for (let n = 0; n < 50; n += 1) {
      if (n % 2 === 0) await until("it is available", () => bench.link.available);
      bench.link.configure({ address: relay.address, resolved: true, credentials: { username: "", password: `${n}` } });
      bench.link.configure({ address: relay.address, resolved: true });
    }
    await until("it is available", () => bench.link.available);
    await until("one connection is left", async () => (await relay.count()).open === 1);
    process.off("warning", warned);
    expect(warnings).toEqual([]);
  });
});

describe("a peer that is no store", () => {
  test.each([
    [
      "speaks another protocol",
      (socket: Socket) => void socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"),
      "it speaks another protocol",
    ],
    [
      "answers more than it is asked",
      (socket: Socket) => void socket.once("data", () => socket.write("+OK\r\n".repeat(9))),
      "it speaks another protocol",
    ],
    ["closes each connection", (socket: Socket) => void socket.end(), "it closed the connection"],
    ["resets each connection", (socket: Socket) => void socket.resetAndDestroy(), "it closed the connection"],
    [
      "is a Sentinel",
      (socket: Socket) => void socket.on("data", () => socket.write("%1\r\n+mode\r\n+sentinel\r\n")),
      "it is a Sentinel, which is not supported",
    ],
    [
      "is a Redis of long ago",
      (socket: Socket) =>
        void socket.on("data", () => socket.write("-ERR unknown command `HELLO`, with args beginning with: `3`\r\n")),
      "it does not know the command HELLO: Redis 6.2 or newer is needed, and not Sentinel",
    ],
  ])("and %s is told, and dialled ever more rarely", async (_what, on, cause) => {
    let dials = 0;
    const { address, sockets } = await peer((socket) => {
      dials += 1;
      on(socket);
    });
    const bench = new LinkBench({ address }, { random: () => 0.5 });
    await until("it is dialled again", () => dials >= 4);
    expect(bench.lines).toEqual([`store unavailable: ${cause}`]);
    const before = dials;
    await rest(1_500);
    expect(dials - before).toBeLessThan(6);
    bench.link.close();
    await until("no socket is left", () => sockets.size === 0);
  });

  test.each([
    ["one answer without an end", `$${10 ** 9}\r\n`, "a".repeat(65_536)],
    ["messages that it was not asked for", "", `>1\r\n$1000\r\n${"a".repeat(1_000)}\r\n`.repeat(60)],
    ["a list with room for more than memory", "*30000000\r\n*30000000\r\n", ""],
  ])("and sends %s is left before that fills memory", async (_what, first, more) => {
    const { address, sockets } = await peer((socket) => {
      const on = (): void => {
        let open = more !== "";
        while (open) open = socket.writable && socket.write(more);
      };
      socket.once("data", () => {
        socket.write(first);
        socket.on("drain", on);
        on();
      });
    });
    const before = process.memoryUsage().rss;
    const bench = new LinkBench({ address });
    await refusals(bench);
    expect(bench.lines).toEqual(["store unavailable: it answers more than it is asked"]);
    expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(150);
    bench.link.close();
    await until("no socket is left", () => sockets.size === 0);
  });

  test.each([
    ["over plain TCP", undefined],
    ["over TLS", { serverName: "store.test" }],
  ])("and says nothing %s is left after some seconds, or at once when the link closes", async (_what, tls) => {
    const { address, sockets } = await peer(() => {});
    const bench = new LinkBench({ address, ...(tls === undefined ? {} : { tls }) });
    await refusals(bench);
    expect(bench.lines[0]).toMatch(/^store unavailable: it (answered nothing for 3 s|did not answer in time)$/);
    await until("it is dialled again", () => sockets.size > 0);
    await rest(50);
    bench.link.close();
    await until("no socket is left", () => sockets.size === 0, 2000); // a dial lasts 3 s
  });

  test("and sends each connection on to itself is left after five times, for a pause", async () => {
    let dials = 0;
    const { address } = await peer((socket) => {
      dials += 1;
      const { localPort } = socket;
      socket.on("data", (bytes) =>
        socket.write(bytes.includes("HELLO") ? "%1\r\n+mode\r\n+cluster\r\n" : `-MOVED 1 :${localPort}\r\n`),
      );
    });
    const bench = new LinkBench({ address }, { random: () => 0.5 });
    await until("it was followed", () => dials >= 6);
    expect(bench.lines).toEqual(["store unavailable: another node of the cluster has the keys"]);
    await rest(2_000);
    expect(dials).toBeGreaterThan(12);
    expect(dials).toBeLessThan(50);
  });

  test.each([
    ["169.254.169.254:80", "its address is one that is never dialled"],
    ["[fe80::1]:6379", "its address is one that is never dialled"],
    ["2852039166:80", "the name stands for an address that is never dialled"],
  ])("at %s is not dialled, be it the address of the settings or of a node", async (address, cause) => {
    const bench = new LinkBench({ address });
    await refusals(bench);
    expect(bench.lines).toEqual([`store unavailable: ${cause}`]);
    let dials = 0;
    const node = await peer((socket) => {
      dials += 1;
      socket.on("data", (bytes) =>
        socket.write(bytes.includes("HELLO") ? "%1\r\n+mode\r\n+cluster\r\n" : `-MOVED 1 ${address}\r\n`),
      );
    });
    const led = new LinkBench({ address: node.address });
    await until("it is dialled again", () => dials >= 2);
    expect(led.lines).toEqual(["store unavailable: another node of the cluster has the keys"]);
  });

  test("and refuses connections is dialled after growing pauses, none of them left behind", async () => {
    const timers = (): number => getActiveResourcesInfo().filter((one) => one === "Timeout").length;
    const bench = new LinkBench({ address: "127.0.0.1:1" });
    await refusals(bench);
    expect(bench.lines).toEqual(["store unavailable: it refuses connections"]);
    await rest(200);
    const before = timers();
    bench.link.close();
    await rest(0);
    expect(timers()).toBeLessThanOrEqual(before);
  });
});
