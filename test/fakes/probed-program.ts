import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { IMAGE_FLAGS } from "./image-flags.ts";
import { PROBE, probe, type Probe } from "./probe.ts";
import { until } from "./sockets.ts";

const ROOT = join(import.meta.dirname, "../..");

/** `wsproxy` in a process of its own; the test can ask for the longest turn of its event loop. */
export class ProbedProgram {
  readonly #child: ChildProcess;
  #stdout = "";
  #stderr = "";

  constructor(args: readonly string[]) {
    const execArgv = [...IMAGE_FLAGS, "--import", PROBE];
    this.#child = fork(join(ROOT, "cli/main.ts"), args, { execArgv, stdio: ["ignore", "pipe", "pipe", "ipc"] });
    this.#child.stdout?.on("data", (chunk: Buffer) => (this.#stdout += chunk.toString()));
    this.#child.stderr?.on("data", (chunk: Buffer) => (this.#stderr += chunk.toString()));
  }

  /** Number of log lines with this message. */
  logged(message: string): number {
    return this.#stdout.split(`"msg":"${message}"`).length - 1;
  }

  /** Its standard error. */
  get said(): string {
    return this.#stderr;
  }

  probe(what: "read" | "reset" = "read"): Promise<Probe> {
    return probe(this.#child, what);
  }

  /** Suspends the process during `meanwhile`, so that everything that it causes comes in one turn of the event loop. */
  async pause(meanwhile: () => Promise<void>): Promise<void> {
    this.#child.kill("SIGSTOP");
    await meanwhile();
    this.#child.kill("SIGCONT");
  }

  /** Makes the change and waits for one more log line with this message. */
  async logs(message: string, change: () => Promise<void>): Promise<void> {
    const before = this.logged(message);
    await change();
    await until(`"${message}" is logged`, () => this.logged(message) > before || this.#child.exitCode !== null, 15_000);
    if (this.logged(message) === before)
      throw new Error(`it ended; it said:\n${this.#stderr}\n${this.#stdout.slice(-2000)}`);
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }
}
