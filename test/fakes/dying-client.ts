import type { IncomingMessage } from "node:http";
import { ApiError } from "../../operator/kube/api-error.ts";
import type { Call, Watcher } from "../../operator/kube/call.ts";

/** A client of a process that is killed right after a write: no later call reaches the server. */
export class DyingClient implements Watcher {
  dead = false;
  writes = 0;
  readonly #client: Watcher;
  readonly #last: number;

  /** `last`: number of writes before the process is killed. */
  constructor(client: Watcher, last: number) {
    this.#client = client;
    this.#last = last;
  }

  async request<T>(call: Call): Promise<T> {
    if (call.method !== undefined && call.method !== "GET") {
      if (this.writes >= this.#last) this.dead = true;
      else this.writes += 1;
    }
    if (this.dead) throw new ApiError(call, 0, "Unreachable", "the process is dead");
    return this.#client.request<T>(call);
  }

  async stream(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    if (this.dead) throw new ApiError(call, 0, "Unreachable", "the process is dead");
    return this.#client.stream(call, signal);
  }
}
