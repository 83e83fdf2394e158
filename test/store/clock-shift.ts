import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Why tests that move a store's clock are skipped here; undefined: they run. */
export const CLOCK_LACKS: string | undefined =
  spawnSync("cc", ["--version"]).status === 0 ? undefined : "there is no C compiler";

/** A wall clock of a store that a test can move: start the store with `program`. */
export class ShiftedClock {
  /** Runs redis-server by this clock. */
  readonly program: string;
  readonly #folder: string;
  #ms = 0;

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), "wsproxy-clock-"));
    const [library, program] = [join(this.#folder, "shift.so"), join(this.#folder, "store")];
    const source = join(import.meta.dirname, "clock-shift.c");
    const made = spawnSync("cc", ["-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"]);
    if (made.status !== 0) throw new Error(made.stderr.toString());
    this.step(0);
    writeFileSync(
      program,
      `#!/bin/sh\nexec env LD_PRELOAD=${library} STORE_CLOCK_SHIFT=${this.#file} redis-server "$@"\n`,
    );
    chmodSync(program, 0o755);
    this.program = program;
  }

  /** Steps so many ms forward, or back where it is negative. */
  step(ms: number): void {
    this.#ms += ms;
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(this.#ms) * 1000n);
    // In place: the store has the file in its memory.
    writeFileSync(this.#file, bytes, { flag: existsSync(this.#file) ? "r+" : "w" });
  }

  close(): void {
    rmSync(this.#folder, { recursive: true });
  }

  get #file(): string {
    return join(this.#folder, "shift");
  }
}
