import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Reads process ids until its input ends, ends the last one, and removes the folder. Ctrl-C is for the test, not for it. */
const GUARD = `trap '' INT TERM HUP; while read -r pid; do last=$pid; done
[ -z "$last" ] || kill -KILL "$last" 2>/dev/null; rm -rf -- "$1"`;

/** Sees to it that no process and no file of a server outlives the test's process, even when that is killed. */
export class Guard {
  /** Where the server may write. */
  readonly folder: string;
  readonly #child: ChildProcess;

  private constructor(folder: string) {
    this.folder = folder;
    this.#child = spawn("/bin/sh", ["-c", GUARD, "sh", folder], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    this.#child.stdin?.on("error", () => {});
  }

  static async open(): Promise<Guard> {
    return new Guard(await mkdtemp(join(tmpdir(), "wsproxy-store-")));
  }

  /** Guards this process from now on, and no other; undefined: none. */
  watch(pid: number | undefined): void {
    this.#child.stdin?.write(`${pid ?? ""}\n`);
  }

  get closed(): boolean {
    return this.#child.stdin?.writableEnded ?? true;
  }

  /** Ends the process, removes the folder. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.stdin?.end();
    await ended;
  }
}
