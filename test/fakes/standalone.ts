import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { WsBackend } from "./backends.ts";
import { WsClient } from "./clients.ts";
import { ALICE, backendManifest, BOB, keysManifest, proxyManifest, type ProxyParts } from "./manifests.ts";
import { freePort, Program, temporaryFolder } from "./program.ts";
import { until } from "./sockets.ts";

/** `wsproxy standalone` with a folder of manifests and a backend. */
export class Standalone {
  readonly folder: string;
  readonly port: number;
  readonly adminPort: number;
  readonly backend: WsBackend;
  #program: Program | undefined;

  private constructor(folder: string, port: number, adminPort: number, backend: WsBackend) {
    this.folder = folder;
    this.port = port;
    this.adminPort = adminPort;
    this.backend = backend;
  }

  /** Writes the manifests, one file for each kind; does not start the program. */
  static async prepare(parts: ProxyParts = {}): Promise<Standalone> {
    const bench = await Standalone.empty(await temporaryFolder());
    await bench.proxy(parts);
    await bench.write("keys.yaml", keysManifest({ alice: ALICE, bob: BOB }));
    await bench.write("backend.yaml", backendManifest(bench.backend.port));
    return bench;
  }

  /** Uses the manifests that the folder holds. */
  static async empty(folder: string): Promise<Standalone> {
    const backend = await new WsBackend().open();
    onTestFinished(() => backend.close());
    return new Standalone(folder, await freePort(), await freePort(), backend);
  }

  static async start(parts: ProxyParts = {}): Promise<Standalone> {
    const bench = await Standalone.prepare(parts);
    bench.run();
    await bench.program.says("#token=");
    return bench;
  }

  run(...more: readonly string[]): Program {
    this.#program = new Program(["standalone", "-f", this.folder, "--admin-port", String(this.adminPort), ...more]);
    return this.#program;
  }

  get program(): Program {
    if (this.#program === undefined) throw new Error("not started");
    return this.#program;
  }

  write(name: string, text: string): Promise<void> {
    return writeFile(join(this.folder, name), text);
  }

  proxy(parts: ProxyParts = {}): Promise<void> {
    return this.write("proxy.yaml", proxyManifest({ port: this.port, ...parts }));
  }

  client(key: string, path = "/", port = this.port): Promise<WsClient> {
    return WsClient.open(`ws://127.0.0.1:${port}${path}`, [], { headers: { "x-api-key": key } });
  }

  /** The admin token that the program printed. */
  get token(): string {
    return decodeURIComponent(/#token=(\S+)/.exec(this.program.stderr)?.[1] ?? "");
  }

  /** The answer of an admin endpoint to a request with the token. */
  async admin(path: string): Promise<string> {
    const headers = { authorization: `Bearer ${this.token}` };
    return (await fetch(`http://127.0.0.1:${this.adminPort}${path}`, { headers })).text();
  }

  /** Checks that the session lives: sends a message and waits for its echo. */
  async alive(client: WsClient, word: string): Promise<void> {
    client.socket.send(word);
    await until(`the echo of ${word}`, () => client.messages.some(({ data }) => data.toString() === word));
  }

  /** The metric of sessions that a config change ended although it took no permission away. */
  async dropped(): Promise<string | undefined> {
    return /wsproxy_config_dropped_sessions_total\{proxy="demo\/chat"\} (\d+)/.exec(await this.admin("/metrics"))?.[1];
  }
}
