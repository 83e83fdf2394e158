import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Cluster } from "./cluster.ts";

const WSPROXY = join(import.meta.dirname, "../../bin/wsproxy");
/** For the link, in ms: the program asks every pod before it serves. */
const PATIENCE = 30_000;

/** A `wsproxy debug` that serves its page. It ends with the scenario at the latest. */
export class DebugCommand {
  readonly #origin: string;
  readonly #token: string;
  readonly #stop: () => Promise<number | null>;

  /** Resolves when it serves; rejects with what it said where it ends before. */
  static async start(cluster: Cluster, ...args: readonly string[]): Promise<DebugCommand> {
    const child = spawn(WSPROXY, ["debug", "--no-open", ...args], { stdio: ["ignore", "pipe", "pipe"] });
    const exit = once(child, "close").catch(() => {});
    cluster.onEnd(async () => {
      child.kill("SIGKILL");
      await exit;
    });
    let said = "";
    const link = new Promise<RegExpExecArray>((resolve, reject) => {
      const listen = (chunk: Buffer): void => {
        said += chunk.toString();
        const found = /(http:\/\/127\.0\.0\.1:\d+)\/debug#token=(\S+)/.exec(said);
        if (found !== null) resolve(found);
      };
      child.stdout.on("data", listen);
      child.stderr.on("data", listen);
      child.on("error", reject);
      child.on("close", () => reject(new Error(`wsproxy debug ended: ${said}`)));
      setTimeout(() => reject(new Error(`wsproxy debug prints no link: ${said}`)), PATIENCE).unref();
    });
    const [, origin = "", token = ""] = await link;
    return new DebugCommand(origin, token, async () => {
      child.kill("SIGINT");
      await exit;
      return child.exitCode;
    });
  }

  private constructor(origin: string, token: string, stop: () => Promise<number | null>) {
    this.#origin = origin;
    this.#token = token;
    this.#stop = stop;
  }

  /** Asks as its page does. */
  async ask(path: string, method = "GET"): Promise<unknown> {
    const response = await this.#fetch(path, { method });
    return response.json();
  }

  /** The status of an answer to a request without the token. */
  async statusWithoutToken(path: string): Promise<number> {
    const response = await fetch(this.#origin + path);
    await response.body?.cancel();
    return response.status;
  }

  /** Events as they come; the returned array grows until the program ends. */
  async events(): Promise<readonly NamedEvent[]> {
    const { body } = await this.#fetch("/debug/events");
    const events: NamedEvent[] = [];
    const read = async (): Promise<void> => {
      let rest = "";
      for await (const text of body?.pipeThrough(new TextDecoderStream()) ?? []) {
        const blocks = (rest + text).split("\n\n");
        rest = blocks.pop() ?? "";
        for (const block of blocks) {
          const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
          if (name !== undefined && data !== undefined) events.push({ ...(JSON.parse(data) as object), name });
        }
      }
    };
    read().catch(() => {}); // the program has ended
    return events;
  }

  /** Ctrl-C; resolves with its exit code. */
  stop(): Promise<number | null> {
    return this.#stop();
  }

  async #fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await fetch(this.#origin + path, { ...init, headers: { authorization: `Bearer ${this.#token}` } });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  }
}

/** An event of the stream, with its name. */
export interface NamedEvent {
  readonly name: string;
  readonly pod?: string;
  readonly pods?: readonly string[];
  readonly client?: string;
  readonly status?: number;
}
