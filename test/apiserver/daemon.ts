import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";

/** How long a daemon may take to end cleanly, in ms. */
const PATIENCE = 10_000;

/** A process of the control plane. It ends with this process at the latest. */
export class Daemon {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #log: string;
  readonly #ended: Promise<string>;
  readonly #kill = (): void => void this.#child.kill("SIGKILL");
  #how: string | undefined;

  /** Starts `file` and writes its output to `log`. */
  constructor(name: string, file: string, args: readonly string[], log: string) {
    this.name = name;
    this.#log = log;
    const output = openSync(log, "a");
    this.#child = spawn(file, args, { stdio: ["ignore", output, output] });
    closeSync(output);
    process.on("exit", this.#kill);
    this.#ended = new Promise((resolve) => {
      this.#child.once("error", (error) => resolve(error.message));
      this.#child.once("exit", (code, signal) => resolve(signal ?? `status ${code}`));
    });
    void this.#ended.then((how) => {
      this.#how = how;
      process.off("exit", this.#kill);
    });
  }

  /** Polls until the daemon is ready; rejects with the end of its log if it ends or takes too long. */
  async ready(isReady: () => Promise<boolean>, ms: number): Promise<void> {
    const end = Date.now() + ms;
    while (!(await isReady().catch(() => false))) {
      if (this.#how !== undefined) throw await this.#failure(`ended with ${this.#how}`);
      if (Date.now() > end) throw await this.#failure(`was not ready after ${ms} ms`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Ends the daemon: SIGTERM, then SIGKILL if it does not end; or SIGKILL at once, as in a crash. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    if (this.#how !== undefined) return;
    this.#child.kill(signal);
    const insist = setTimeout(this.#kill, PATIENCE);
    await this.#ended;
    clearTimeout(insist);
  }

  async #failure(what: string): Promise<Error> {
    const lines = (await readFile(this.#log, "utf8")).trimEnd().split("\n");
    return new Error(`${this.name} ${what}; the end of ${this.#log}:\n${lines.slice(-15).join("\n")}`);
  }
}
