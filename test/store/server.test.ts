import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { createClient, type RedisClientOptions, type RedisClientType } from "@redis/client";
import { describe, expect, test } from "vitest";
import { Authority } from "../fakes/certificates.ts";
import { until } from "../fakes/sockets.ts";
import { storeTls } from "./demands.ts";
import { STORE_TLS_LACKS, STORES } from "./programs.ts";
import { StoreServer } from "./server.ts";

describe.each(STORES)("a server of $name", ({ path, lacks }) => {
  test.skipIf(lacks !== undefined)("is empty after a crash, on the same port", async () => {
    const server = await StoreServer.start([], path);
    const { port } = server;
    expect(await server.ask("SET", "key", "value")).toBe("OK");
    await server.kill();
    await server.again();
    expect(server.port).toBe(port);
    expect(await server.ask("GET", "key")).toBeNull();
  });

  test.skipIf(lacks !== undefined)("answers nothing while it is frozen, and then everything", async () => {
    const server = await StoreServer.start([], path);
    server.freeze();
    let answer: unknown;
    const asked = server.ask("PING").then((said) => (answer = said));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(answer).toBeUndefined();
    server.thaw();
    expect(await asked).toBe("PONG");
  });

  test.skipIf(lacks !== undefined)("that does not come up says why", async () => {
    await expect(StoreServer.start(["--no-such-setting", "1"], path)).rejects.toThrow(/it said:[^]*no-such-setting/);
    await expect(StoreServer.start([], "/no/such/program")).rejects.toThrow("ENOENT");
  });

  test.skipIf(lacks !== undefined)("takes another port where another process has its own", async () => {
    const first = await StoreServer.start([], path);
    const servers = await Promise.all(Array.from({ length: 5 }, () => StoreServer.start([], path)));
    expect(new Set([first, ...servers].map(({ port }) => port)).size).toBe(6);
    const second = servers[0] ?? first;
    await second.kill();
    await expect(StoreServer.start(["--port", String(first.port)], path)).rejects.toThrow("Address already in use");
  });

  test.skipIf(lacks !== undefined)(
    "with a password and a user of little power lets in those alone, with their power",
    async () => {
      const users = ["gateway on >little ~{demo/chat}:* resetchannels -@all +hello +get +set"];
      const server = await StoreServer.start([], path, { password: "secret", users });
      expect(await server.ask("SET", "{demo/other}:x", "1")).toBe("OK");
      const gateway = await clientOf(server, { username: "gateway", password: "little" }).connect();
      expect(await gateway.sendCommand(["SET", "{demo/chat}:x", "1"])).toBe("OK");
      await expect(gateway.sendCommand(["GET", "{demo/other}:x"])).rejects.toThrow("NOPERM");
      await expect(gateway.sendCommand(["FLUSHALL"])).rejects.toThrow("NOPERM");
      gateway.destroy();
      await expect(clientOf(server, {}).connect()).rejects.toThrow("NOAUTH");
      await expect(clientOf(server, { username: "gateway", password: "wrong" }).connect()).rejects.toThrow("WRONGPASS");
    },
  );

  test.skipIf(lacks !== undefined)("has a replica that takes no writes until it is promoted", async () => {
    const server = await StoreServer.start([], path, { password: "secret" });
    await server.ask("SET", "key", "value");
    const replica = await server.replica();
    expect(await replica.ask("GET", "key")).toBe("value");
    await expect(replica.ask("SET", "key", "other")).rejects.toThrow("READONLY");
    await server.kill();
    await replica.promote();
    expect(await replica.ask("SET", "key", "other")).toBe("OK");
  });

  test.skipIf(lacks !== undefined)("is gone after its test with its folder", async () => {
    const server = await StoreServer.start([], path);
    const { pid, folder } = server;
    expect(alive(pid)).toBe(true);
    expect(existsSync(folder)).toBe(true);
    server.freeze();
    await server.close();
    await server.close();
    expect(alive(pid)).toBe(false);
    expect(existsSync(folder)).toBe(false);
    await expect(server.again()).rejects.toThrow("closed");
  });

  test.skipIf(lacks !== undefined)("is gone when the test's process is killed", async () => {
    const main = join(import.meta.dirname, "orphan-main.ts");
    const parent = spawn(process.execPath, [main, path], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    const { pid, folder } = JSON.parse(line.toString()) as { readonly pid: number; readonly folder: string };
    expect(alive(pid)).toBe(true);
    expect(readdirSync(folder)).not.toEqual([]);
    parent.kill("SIGKILL");
    await until("neither server nor folder is there", () => !alive(pid) && !existsSync(folder));
  });
});

describe.skipIf(STORE_TLS_LACKS !== undefined)(
  "a server with TLS (skipped where redis-server is not installed)",
  () => {
    test("shows a certificate of its authority, and another one on demand", async () => {
      const authority = await Authority.create();
      const server = await StoreServer.start([], undefined, { tls: await storeTls(authority), password: "secret" });
      expect(await server.ask("PING")).toBe("PONG");
      const before = server.options;
      await server.present(await storeTls());
      expect(await server.ask("PING")).toBe("PONG");
      await expect(clientOf(server, before).connect()).rejects.toThrow(/self-signed|verify|certificate/);
      await server.kill();
      await server.again();
      expect(await server.ask("PING")).toBe("PONG");
    });

    test("has a replica over TLS", async () => {
      const server = await StoreServer.start([], undefined, { tls: await storeTls(), password: "secret" });
      await server.ask("SET", "key", "value");
      const replica = await server.replica();
      expect(await replica.ask("GET", "key")).toBe("value");
    });
  },
);

/** Tries to connect once. */
function clientOf(server: StoreServer, options: RedisClientOptions): RedisClientType {
  const socket = {
    ...server.options.socket,
    ...options.socket,
    reconnectStrategy: false,
  } as RedisClientOptions["socket"];
  const client = createClient({ ...options, disableClientInfo: true, socket } as RedisClientOptions) as RedisClientType;
  client.on("error", () => {});
  return client;
}

function alive(pid: number | undefined): boolean {
  try {
    process.kill(pid ?? Number.NaN, 0);
    return true;
  } catch {
    return false;
  }
}
