import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { PROBE, probe, type Probe } from "./probe.ts";
import { until } from "./sockets.ts";

const ROOT = join(import.meta.dirname, "../..");

/** `wsproxy` in a process of its own, of which the test sees how long its event loop stands still. */
export class ProbedProgram {
  readonly #child: ChildProcess;
  #stdout = "";
  #stderr = "";

  constructor(args: readonly string[]) {
    // As `bin/wsproxy` and the image start it.
    const execArgv = ["--max-semi-space-size=4", "--heap-growing-percent=30", "--import", PROBE];
    this.#child = fork(join(ROOT, "cli/main.ts"), args, { execArgv, stdio: ["ignore", "pipe", "pipe", "ipc"] });
    this.#child.stdout?.on("data", (chunk: Buffer) => (this.#stdout += chunk.toString()));
    this.#child.stderr?.on("data", (chunk: Buffer) => (this.#stderr += chunk.toString()));
  }

  /** How often a message stands in its log. */
  logged(message: string): number {
    return this.#stdout.split(`"msg":"${message}"`).length - 1;
  }

  /** What it says to people. */
  get said(): string {
    return this.#stderr;
  }

  probe(what: "read" | "reset" = "read"): Promise<Probe> {
    return probe(this.#child, what);
  }

  /** Stands still while `meanwhile` goes on: what comes of it, comes in one turn of its loop. */
  async pause(meanwhile: () => Promise<void>): Promise<void> {
    this.#child.kill("SIGSTOP");
    await meanwhile();
    this.#child.kill("SIGCONT");
  }

  /** Until this message has been logged once more than before `change`. */
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
