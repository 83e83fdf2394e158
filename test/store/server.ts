import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createClient } from "@redis/client";
import { freePort } from "../fakes/program.ts";
import { until } from "../fakes/sockets.ts";

/** Program of Debian's package redis-server. */
const REDIS = "redis-server";

/** Why tests that need a store are skipped here; undefined: they run. */
export const STORE_LACKS: string | undefined =
  spawnSync(REDIS, ["--version"]).status === 0 ? undefined : "redis-server is not installed";

/** A real Redis-compatible server on loopback, which keeps nothing on disk. */
export class StoreServer {
  readonly port: number;
  readonly #args: readonly string[];
  readonly #program: string;
  #child: ChildProcess | undefined;

  private constructor(port: number, args: readonly string[], program: string) {
    this.port = port;
    this.#args = args;
    this.#program = program;
  }

  /** `args` are those of the server's command line. */
  static async start(args: readonly string[] = [], program = REDIS): Promise<StoreServer> {
    const server = new StoreServer(await freePort(), args, program);
    await server.again();
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Starts it on its port: at first, and after `kill` with nothing in its memory. */
  async again(): Promise<void> {
    const own = [
      "--port",
      String(this.port),
      "--bind",
      "127.0.0.1",
      "--save",
      "",
      "--appendonly",
      "no",
      "--dir",
      "/tmp",
    ];
    const child = spawn(this.#program, [...own, ...this.#args], { stdio: "ignore" });
    this.#child = child;
    await until("the store takes connections", () => accepts(this.port));
  }

  /** As a crash: it says goodbye to no client. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  /** The process is there, and does nothing. */
  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child?.kill("SIGCONT");
  }

  /** Sends one command over a connection of its own. */
  async ask(...command: readonly string[]): Promise<unknown> {
    const client = createClient({ socket: { host: "127.0.0.1", port: this.port } });
    client.on("error", () => {});
    await client.connect();
    try {
      return await client.sendCommand([...command]);
    } finally {
      client.destroy();
    }
  }

  async close(): Promise<void> {
    await this.kill();
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
