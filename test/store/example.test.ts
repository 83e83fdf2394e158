import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { createClient } from "@redis/client";
import { describe, expect, onTestFinished, test } from "vitest";
import { freePort, temporaryFolder } from "../fakes/program.ts";
import { until } from "../fakes/sockets.ts";
import { exampleStart } from "./example.ts";
import { STORES } from "./programs.ts";

/** Runs what the example's container runs, in a folder of its own, on a free port. */
class Container {
  said = "";
  readonly child: ChildProcess;
  readonly port: number;

  private constructor(child: ChildProcess, port: number) {
    this.child = child;
    this.port = port;
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => (this.said += chunk.toString()));
    onTestFinished(() => void child.kill("SIGKILL"));
  }

  static async start(server: string, password: string): Promise<Container> {
    const folder = await temporaryFolder();
    await symlink(server, join(folder, "valkey-server"));
    const port = await freePort();
    const script = exampleStart().replace("port 6379", `port ${port}`);
    const env = { PATH: `${folder}:/usr/bin:/bin`, STORE_USER: "wsproxy", STORE_PASSWORD: password };
    return new Container(spawn("sh", ["-euc", script], { cwd: folder, env }), port);
  }
}

const valkey = STORES.find(({ name }) => name.startsWith("Valkey"));

describe.skipIf(valkey?.lacks !== undefined)("examples/valkey (skipped where test/store/setup.sh has not run)", () => {
  const path = valkey?.path ?? "";

  test.each(["example-password-to-replace", ""])("does not start with the password %j", async (password) => {
    const container = await Container.start(path, password);
    expect(await once(container.child, "close")).toEqual([1, null]);
    expect(container.said).toBe("Replace the password in the Secret valkey-login, then restart this pod.\n");
  });

  test("lets in its user alone, evicts nothing, writes nothing", async () => {
    const password = 'any "word" of $a user\'s';
    const container = await Container.start(path, password);
    await until("it serves", () => container.said.includes("Ready to accept"));
    const login = (username: string, word: string): ReturnType<typeof createClient> => {
      const socket = { host: "127.0.0.1", port: container.port, reconnectStrategy: false as const };
      const client = createClient({ username, password: word, disableClientInfo: true, socket });
      client.on("error", () => {});
      onTestFinished(() => client.destroy());
      return client as ReturnType<typeof createClient>;
    };
    const gateway = login("wsproxy", password);
    await gateway.connect();
    expect(await gateway.sendCommand(["HSET", "{demo/chat}:pods", "a", "1"])).toBe(1);
    await expect(gateway.sendCommand(["CONFIG", "GET", "*"])).rejects.toThrow("NOPERM");
    await expect(login("wsproxy", "wrong").connect()).rejects.toThrow("WRONGPASS");
    await expect(login("default", password).connect()).rejects.toThrow("WRONGPASS");
    expect(container.said).not.toContain(password);
  });
});
