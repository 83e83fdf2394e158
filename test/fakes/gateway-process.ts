import { fork, type ChildProcess, type Serializable } from "node:child_process";
import { once } from "node:events";
import type { Told } from "./told-handshakes.ts";
import type { ConfigParts, endpointsOf } from "./config.ts";

/** Usage of a gateway's process: CPU in µs since its start, memory in bytes after a garbage collection. */
export interface Usage {
  readonly cpu: number;
  readonly rss: number;
  /** The same without free room in pages that V8 keeps for new objects: it comes and goes by megabytes. */
  readonly kept: number;
  /** JavaScript heap and buffers. */
  readonly heap: number;
  readonly sessions: number;
  readonly buffered: number;
  /** Bytes of the buffer budget that are in use. */
  readonly used: number;
  /** Sessions that ended because of the budget. */
  readonly ended: number;
}

/** Of the admin port of a gateway in a process of its own. */
export const ADMIN_TOKEN = "a-token-of-enough-characters";

/** A line that a gateway's process logged. */
export interface ProcessLine {
  /** Of the monotonic clock that all processes of a machine share, in ns. */
  readonly at: bigint;
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface ProcessOptions {
  readonly path?: "shared" | "data";
  /** The clock of its gateway. `by hand`: it stands still until `advance`. Default: the machine's. */
  readonly clock?: "by hand";
  readonly config?: ConfigParts;
  readonly ports: Parameters<typeof endpointsOf>[0];
  /** In bytes; absent: no limit. */
  readonly bufferBudget?: number;
  /** Flags of Node. */
  readonly flags?: readonly string[];
  /** Keeps what it logs, for `lines`, and watches its event loop, for `longestTurn`. */
  readonly watched?: boolean;
  /** The Node to run it on. Default: this one. */
  readonly node?: string | undefined;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A data plane in a process of its own, so that its usage can be measured apart from the test's, and it can be killed. */
export class GatewayProcess {
  readonly #child: ChildProcess;
  port = 0;
  /** The question before the next one: answers come in the order of the questions. */
  #before: Promise<unknown> = Promise.resolve();

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(options: ProcessOptions): Promise<GatewayProcess> {
    const script = new URL("gateway-process-main.ts", import.meta.url);
    const { flags = [], node = process.execPath, env } = options;
    const child = fork(script, [JSON.stringify(options)], {
      execArgv: ["--expose-gc", ...flags],
      execPath: node,
      env: { ...process.env, ...env },
    });
    const started = new GatewayProcess(child);
    started.port = (await started.#answer()) as number;
    return started;
  }

  async usage(): Promise<Usage> {
    return (await this.#ask("usage")) as Usage;
  }

  /** CPU only: no collection. */
  async cpu(): Promise<number> {
    return (await this.#ask("cpu")) as number;
  }

  /** Bytes that wait in its sessions: no collection, so that a test may ask often. */
  async buffered(): Promise<number> {
    return (await this.#ask("buffered")) as number;
  }

  /** From now on as many clients watch its events as may, and read nothing; how many of them were cut so far. */
  async stall(): Promise<number> {
    return (await this.#ask("stall")) as number;
  }

  /** The port at which a holder of `ADMIN_TOKEN` can ask it. */
  async adminPort(): Promise<number> {
    return (await this.#ask("admin")) as number;
  }

  /** CPU time of the longest turn of its event loop since it was last asked, in ms. */
  async longestTurn(): Promise<number> {
    return (await this.#ask("turn")) as number;
  }

  /** What it has logged since it was last asked. */
  async lines(): Promise<ProcessLine[]> {
    const lines = (await this.#ask("lines")) as (Omit<ProcessLine, "at"> & { readonly at: string })[];
    return lines.map((line) => ({ ...line, at: BigInt(line.at) }));
  }

  /** Sum of the samples of a metric (its name without `wsproxy_`) whose labels include these. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    return (await this.#ask({ metric: name, labels })) as number;
  }

  /** Its watchers are told of so many handshakes in a second, without sockets. */
  async tellHandshakes(perSecond: number, seconds: number): Promise<Told> {
    return (await this.#ask({ handshakes: { perSecond, seconds } })) as Told;
  }

  /** Puts another config in force, with the endpoints that it has. */
  async configure(config: ConfigParts): Promise<void> {
    await this.#ask({ config });
  }

  /** Moves its clock, which is by hand, so many ms forward. */
  async advance(ms: number): Promise<void> {
    await this.#ask(ms);
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** As a crash: it says goodbye to nothing. */
  async kill(): Promise<void> {
    if (!this.alive) return;
    const exit = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exit;
  }

  /** The process is there, and does nothing. */
  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  /** Ends its sessions, says goodbye to its store, and ends. */
  async leave(): Promise<void> {
    if (!this.alive) return;
    await this.#ask("leave");
    await this.close();
  }

  async close(): Promise<void> {
    if (!this.alive) return;
    const exit = once(this.#child, "exit");
    this.#child.kill();
    this.#child.kill("SIGCONT");
    await exit;
  }

  #ask(what: unknown): Promise<unknown> {
    const answer = this.#before.then(() => {
      const answered = this.#answer();
      // A channel that is closed already is no error: the process ends, and that is the answer.
      if (this.alive) this.#child.send(what as Serializable, () => {});
      return answered;
    });
    this.#before = answer.catch(() => {});
    return answer;
  }

  /** Rejects if the process ends first, or has ended. */
  async #answer(): Promise<unknown> {
    if (!this.alive) throw new Error("the gateway's process has ended");
    const stop = new AbortController();
    const { signal } = stop;
    const exit = once(this.#child, "exit", { signal }).then(([code]: unknown[]) => {
      throw new Error(`the gateway's process ended with ${String(code)}`);
    });
    const [answer] = (await Promise.race([once(this.#child, "message", { signal }), exit])) as unknown[];
    stop.abort();
    return answer;
  }
}
