import { spawn } from "node:child_process";

export interface CommandOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** What it says goes to the terminal, too. */
  readonly aloud?: boolean;
}

/** Runs a program to its end and resolves with what it wrote to standard output; rejects with all that it said. */
export function command(file: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { input, env, signal, aloud = false } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      env: { ...process.env, ...env },
      stdio: "pipe",
      ...(signal === undefined ? {} : { signal }),
    });
    const out: Buffer[] = [];
    const said: Buffer[] = [];
    const listen = (chunk: Buffer): void => {
      said.push(chunk);
      if (aloud) process.stderr.write(chunk);
    };
    child.stdout.on("data", (chunk: Buffer) => (out.push(chunk), listen(chunk)));
    child.stderr.on("data", listen);
    child.stdin.on("error", () => {}); // it ended before it had read everything; its status tells
    child.on("error", reject);
    child.on("close", (status, by) => {
      if (status === 0) return resolve(Buffer.concat(out).toString());
      const line = [file, ...args].join(" ").slice(0, 500);
      reject(new Error(`${line}: ${by ?? `status ${status}`}\n${Buffer.concat(said).toString().slice(-4000)}`));
    });
    child.stdin.end(input);
  });
}
