import { spawn, type ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { PROBE, probe, type Probe } from "./probe.ts";
import { until } from "./sockets.ts";

const ROOT = join(import.meta.dirname, "../..");
const WSPROXY = join(ROOT, "bin/wsproxy");

export interface ProgramOptions {
  /** The file to run; default: bin/wsproxy. */
  readonly file?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Loads the probe: the test can ask for the longest turn of the event loop. */
  readonly probed?: boolean;
}

/** `wsproxy` in a process of its own, started as users start it. It ends with the test at the latest. */
export class Program {
  stdout = "";
  stderr = "";
  /** Exit code, or the signal that ended it. */
  ended: number | NodeJS.Signals | undefined;
  readonly #child: ChildProcess;

  constructor(args: readonly string[], { file = WSPROXY, env = process.env, probed = false }: ProgramOptions = {}) {
    this.#child = spawn(file, args, {
      cwd: ROOT,
      env: probed ? { ...env, NODE_OPTIONS: `--import=${PROBE}` } : env,
      stdio: ["pipe", "pipe", "pipe", ...(probed ? (["ipc"] as const) : [])],
    });
    this.#child.stdout?.on("data", (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.#child.stderr?.on("data", (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.#child.stdin?.on("error", () => {});
    this.#child.on("close", (code, signal) => (this.ended = code ?? signal ?? "SIGKILL"));
    onTestFinished(async () => {
      this.signal("SIGKILL");
      await this.exit();
    });
  }

  signal(name: NodeJS.Signals): void {
    if (this.ended === undefined) this.#child.kill(name);
  }

  /** Process id. */
  get pid(): number {
    if (this.#child.pid === undefined) throw new Error("not started");
    return this.#child.pid;
  }

  /** Usage of a program that was started with `probed`. */
  probe(what: "read" | "reset" = "read"): Promise<Probe> {
    return probe(this.#child, what);
  }

  /** Writes to its standard input. */
  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Ends its standard input. */
  endInput(): void {
    this.#child.stdin?.end();
  }

  /** Waits for a text on standard error, which is for people. */
  async says(words: string | RegExp): Promise<void> {
    const found = (): boolean => (typeof words === "string" ? this.stderr.includes(words) : words.test(this.stderr));
    await this.#until(`"${String(words)}" on standard error`, found);
  }

  /** Waits for a line of the log. */
  async logs(message: string): Promise<Record<string, unknown>> {
    await this.#until(`the log line "${message}"`, () => this.lines(message).length > 0);
    return this.lines(message)[0] ?? {};
  }

  /** Lines of the log with this message. */
  lines(message: string): Record<string, unknown>[] {
    const whole = this.stdout.split("\n").slice(0, -1);
    const lines = whole.map((line) => JSON.parse(line) as Record<string, unknown>);
    return lines.filter(({ msg }) => msg === message);
  }

  async exit(): Promise<number | NodeJS.Signals> {
    await until("the program ended", () => this.ended !== undefined, 15_000);
    return this.ended ?? "SIGKILL";
  }

  /** Everything from both streams, to find out why. */
  get #said(): string {
    return `${this.stderr}\n${this.stdout.slice(-4000)}`;
  }

  async #until(what: string, holds: () => boolean): Promise<void> {
    await until(what, () => holds() || this.ended !== undefined, 15_000).catch((error: unknown) => {
      throw new Error(`${String(error)}; it said:\n${this.#said}`);
    });
    if (!holds()) throw new Error(`ended with ${String(this.ended)} before ${what}; it said:\n${this.#said}`);
  }
}

/** Runs a command to its end. */
export async function ran(...args: readonly string[]): Promise<Program> {
  const program = new Program(args);
  program.endInput();
  await program.exit();
  return program;
}

/** Below the ports that the system gives to a process that asks for any, so that no other process gets one in between. */
const FIRST_PORT = 12_000;
const PORTS = 20_000;
/** Test files that run at the same time each have ports of their own. */
const WORKERS = 16;
const handedOut = new Set<number>();

/** A port that is free, and that no other test gets. */
export async function freePort(): Promise<number> {
  const worker = Number(process.env["VITEST_POOL_ID"] ?? 0) % WORKERS;
  for (;;) {
    const port = FIRST_PORT + randomInt(PORTS / WORKERS) * WORKERS + worker;
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    if (await canBeOpened(port)) return port;
  }
}

function canBeOpened(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** A temporary folder, deleted after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "wsproxy-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
