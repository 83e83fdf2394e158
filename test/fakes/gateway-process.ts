import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
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
  /** The Node to run it on. Default: this one. */
  readonly node?: string | undefined;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A data plane in a process of its own, so that its usage can be measured apart from the test's. */
export class GatewayProcess {
  readonly #child: ChildProcess;
  port = 0;

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
    this.#child.send("usage");
    return (await this.#answer()) as Usage;
  }

  /** CPU only: no collection. */
  async cpu(): Promise<number> {
    this.#child.send("cpu");
    return (await this.#answer()) as number;
  }

  /** Bytes that wait in its sessions: no collection, so that a test may ask often. */
  async buffered(): Promise<number> {
    this.#child.send("buffered");
    return (await this.#answer()) as number;
  }

  /** Moves its clock, which is by hand, so many ms forward. */
  async advance(ms: number): Promise<void> {
    this.#child.send(ms);
    await this.#answer();
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async close(): Promise<void> {
    if (!this.alive) return;
    this.#child.kill();
    await once(this.#child, "exit");
  }

  async #answer(): Promise<unknown> {
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
