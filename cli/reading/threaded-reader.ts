import { Worker } from "node:worker_threads";
import type { GatewayState, Reading } from "./reading.ts";

/** The thread's file, which is beside this one in a checkout and in the bundle. */
const THREAD = import.meta.url.endsWith(".ts") ? "./reading-thread.ts" : "./reading-thread.js";

/**
 * Reads and translates manifests in a thread of its own: 10,000 keys and 1,000 routes take more than half a second to
 * parse, and no session would be served meanwhile.
 */
export class ThreadedReader {
  readonly #worker: Worker;
  #settle: { readonly done: (reading: Reading) => void; readonly failed: (fault: unknown) => void } | undefined;
  #fault: unknown;

  constructor(paths: readonly string[]) {
    this.#worker = new Worker(new URL(THREAD, import.meta.url), { workerData: paths });
    this.#worker.on("message", (reading: Reading) => this.#settle?.done(reading));
    this.#worker.on("error", (fault) => this.#failed(fault));
    this.#worker.on("exit", () => this.#failed(new Error("the thread that reads manifests has ended")));
  }

  /** What the manifests say now. Calls must not overlap. Rejects if the thread has ended. */
  read(gateway: GatewayState): Promise<Reading> {
    return new Promise<Reading>((done, failed) => {
      if (this.#fault !== undefined) return failed(this.#fault);
      this.#settle = { done, failed };
      this.#worker.postMessage(gateway);
    }).finally(() => (this.#settle = undefined));
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  /** Remembers the first fault: later ones follow from it. */
  #failed(fault: unknown): void {
    this.#fault ??= fault;
    this.#settle?.failed(this.#fault);
  }
}
