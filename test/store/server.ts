import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createClient, type RedisClientOptions } from "@redis/client";
import { onTestFinished } from "vitest";
import { freePort } from "../fakes/program.ts";
import { until } from "../fakes/sockets.ts";
import { demandedBy, filesIn, writeDemands, type StoreDemands, type StoreTls } from "./demands.ts";
import { Guard } from "./guard.ts";
import { ANY_STORE } from "./programs.ts";

export { STORE_LACKS } from "./programs.ts";

/** What it says when it serves, in all versions. */
const READY = "Ready to accept connections";
const TAKEN = "Address already in use";
/** The bus of a node of a Cluster is 10,000 behind its port, and must be below the ports that the system gives away. */
const LAST_PORT_WITH_BUS = 22_000;
/** Characters of its output that are kept. */
const KEPT = 20_000;

const OWN = [
  ...["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"],
  // A replica is filled at once, and neither side writes a file.
  ...["--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0", "--repl-diskless-load", "swapdb"],
  ...["--repl-ping-replica-period", "1"],
];

/** A real Redis-compatible server on loopback. It ends with the test at the latest, or with the process, and leaves no file. */
export class StoreServer {
  readonly program: string;
  #port = 0;
  #demands: StoreDemands;
  readonly #args: readonly string[];
  readonly #guard: Guard;
  #child: ChildProcess | undefined;
  #said = "";

  private constructor(args: readonly string[], program: string, demands: StoreDemands, guard: Guard) {
    this.#args = args;
    this.program = program;
    this.#demands = demands;
    this.#guard = guard;
  }

  /** `args` are those of the server's command line. Rejects with what the server said where it does not come up. */
  static async start(
    args: readonly string[] = [],
    program: string = ANY_STORE.path,
    demands: StoreDemands = {},
  ): Promise<StoreServer> {
    const server = new StoreServer(args, program, demands, await Guard.open());
    try {
      onTestFinished(() => server.close());
    } catch {
      // Not within one test: the file's afterAll closes it, else the end of the process.
    }
    try {
      await writeDemands(demands, server.#guard.folder);
      await server.#first();
      return server;
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  get port(): number {
    return this.#port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** It was started and has not ended; it may be frozen. */
  get running(): boolean {
    return this.#child?.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Everything that it printed since it was started, up to the last 20,000 characters. */
  get said(): string {
    return this.#said;
  }

  /** Where it keeps its files while it is there. */
  get folder(): string {
    return this.#guard.folder;
  }

  /** How @redis/client gets in, as the user that may do everything. */
  get options(): RedisClientOptions {
    const { tls, password } = this.#demands;
    return {
      ...(password !== undefined && { password }),
      socket: {
        host: "127.0.0.1",
        port: this.port,
        ...(tls !== undefined && { tls: true as const, ca: tls.ca, servername: tls.serverName }),
      },
    };
  }

  /** Starts it on its port: at first, and after `kill` with nothing in its memory. */
  async again(): Promise<void> {
    if (this.#guard.closed) throw new Error("this server is closed");
    this.#said = "";
    const args = [...OWN, "--dir", this.folder, ...demandedBy(this.#demands, this.port, this.folder), ...this.#args];
    const child = spawn(this.program, args, { detached: true, stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    this.#guard.watch(child.pid);
    let ended: string | undefined;
    child.once("error", (error) => (ended ??= error.message));
    child.once("exit", () => this.#child === child && this.#guard.watch(undefined));
    child.once("close", (code, signal) => (ended ??= `it ended with ${code ?? signal}`));
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => (this.#said = (this.#said + chunk.toString()).slice(-KEPT)));
    await until("the store serves", () => this.#said.includes(READY) || ended !== undefined).catch(
      (error: Error) => (ended ??= error.message),
    );
    if (ended !== undefined) throw new Error(`${this.program} does not come up: ${ended}; it said:\n${this.#said}`);
  }

  /** As a crash: it says goodbye to no client. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** As an end in order: it closes its clients' connections first. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** The process is there, and does nothing. */
  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child?.kill("SIGCONT");
  }

  /** Sends one command over a connection of its own, as the user that may do everything. */
  async ask(...command: readonly string[]): Promise<unknown> {
    return this.#talk({}, command);
  }

  /** A field of INFO, such as `used_memory`. */
  async info(field: string): Promise<string | undefined> {
    const text = String(await this.ask("INFO", "everything"));
    return text
      .split("\r\n")
      .find((line) => line.startsWith(`${field}:`))
      ?.slice(field.length + 1);
  }

  /** Shows this certificate to every client that connects from now on. */
  async present(tls: StoreTls): Promise<void> {
    this.#demands = { ...this.#demands, tls };
    await writeDemands(this.#demands, this.folder);
    const { certificate, privateKey } = filesIn(this.folder);
    const renewed = ["tls-cert-file", certificate, "tls-key-file", privateKey];
    await this.#talk({ rejectUnauthorized: false }, ["CONFIG", "SET", ...renewed]);
  }

  /** Another server that holds what this one holds, and takes no writes. Resolves when it has all. */
  async replica(args: readonly string[] = []): Promise<StoreServer> {
    const own = [...this.#args, ...args, "--replicaof", "127.0.0.1", String(this.port)];
    const replica = await StoreServer.start(own, this.program, this.#demands);
    await replica.follows();
    return replica;
  }

  /** Resolves when this replica is connected to its master and has what that holds. */
  async follows(): Promise<void> {
    await until("the replica follows", async () => (await this.info("master_link_status")) === "up");
  }

  /** Makes a replica the master of its own. The other one goes on as it was, if it is there. */
  async promote(): Promise<void> {
    await this.ask("REPLICAOF", "NO", "ONE");
  }

  /** Idempotent. Nothing stays: neither process nor file. */
  async close(): Promise<void> {
    await this.kill();
    await this.#guard.close();
  }

  /** A port that looked free may be gone a moment later. */
  async #first(): Promise<void> {
    const bus = this.#args.includes("--cluster-enabled");
    for (let tries = 0; ; tries++) {
      this.#port = await (bus ? portWithBus() : freePort());
      try {
        return await this.again();
      } catch (error) {
        if (tries === 4 || !this.#said.includes(TAKEN)) throw error;
      }
    }
  }

  async #talk(socket: object, command: readonly string[]): Promise<unknown> {
    const single = { ...this.options.socket, ...socket, reconnectStrategy: false } as NonNullable<
      RedisClientOptions["socket"]
    >;
    const client = createClient({ ...this.options, disableClientInfo: true, socket: single });
    client.on("error", () => {});
    await client.connect();
    try {
      return await client.sendCommand([...command]);
    } finally {
      client.destroy();
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.running) return;
    const ended = once(child, "exit");
    child.kill(signal);
    if (signal !== "SIGKILL") child.kill("SIGCONT");
    await ended;
  }
}

async function portWithBus(): Promise<number> {
  const port = await freePort();
  return port > LAST_PORT_WITH_BUS ? portWithBus() : port;
}
