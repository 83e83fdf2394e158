import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { onTestFinished } from "vitest";

export interface CrowdOptions {
  readonly port: number;
  readonly clients: number;
  /** Number of loopback addresses that the clients use in turn; 1: 127.0.0.1. */
  readonly addresses: number;
  /** Crowds of different networks have different addresses. */
  readonly network?: number;
  readonly tls?: boolean;
  /** The clients send `first`, and nothing more. */
  readonly silent?: boolean;
  readonly first?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** How the clients of a crowd were answered. */
export interface Outcome {
  readonly accepted: number;
  readonly refused: number;
  /** Closed without an answer. */
  readonly cut: number;
  readonly waiting: number;
  /** From the start to the last answer, in ms. */
  readonly slowest: number;
  /** By status. */
  readonly answers: Record<string, number>;
}

/** Clients in a process of their own that all connect at once and keep their connections open. */
export class Crowd {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** A crowd that is ready to connect; ended with the test at the latest. */
  static async gather(options: CrowdOptions): Promise<Crowd> {
    const child = fork(new URL("crowd-main.ts", import.meta.url), [JSON.stringify(options)]);
    onTestFinished(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    });
    await once(child, "message");
    return new Crowd(child);
  }

  /** All clients connect; resolves when each has an answer or is closed. */
  come(): Promise<Outcome> {
    return this.#ask("come");
  }

  /** Silent clients wait for no answer. */
  comeSilently(): void {
    this.#child.send("come");
  }

  count(): Promise<Outcome> {
    return this.#ask("count");
  }

  /** All clients close their connections, with an end (FIN) or a reset (RST). */
  leave(how: "end" | "reset" = "end"): Promise<Outcome> {
    return this.#ask(how);
  }

  async #ask(what: string): Promise<Outcome> {
    this.#child.send(what);
    const [outcome] = (await once(this.#child, "message")) as [Outcome];
    return outcome;
  }
}
