import { isStatus } from "../../kube/api-error.ts";
import { casIn, spelledCa } from "./bundle.ts";
import type { Pair } from "./pair.ts";
import type { ReadBundle } from "./webhook-configuration.ts";

/**
 * Do API servers trust what this process serves, as far as it knows? Once they did, it is for the leader to keep it so: a
 * bundle that another writer breaks is not mended by a webhook that is not there.
 */
export class Trust {
  #state: "Awaited" | "NoWebhook" | "Hidden" | "Seen" = "Awaited";

  /** Nothing is to be waited for: no API server calls a webhook that is not configured, and what is hidden may be right. */
  get given(): boolean {
    return this.#state !== "Awaited";
  }

  /** It was seen: there is nothing more to look for. */
  get seen(): boolean {
    return this.#state === "Seen";
  }

  /** What a look at the webhook configuration found; undefined: there is none. */
  look(found: ReadBundle | undefined, served: Pair | undefined, now: number): void {
    if (this.seen) return;
    if (found === undefined) this.#state = "NoWebhook";
    else {
      const isTrusted = served !== undefined && casIn(found.bundle, now).includes(spelledCa(served.ca));
      this.#state = isTrusted ? "Seen" : "Awaited";
    }
  }

  /** A look that failed. Without the right to read, the next one fails as well. */
  failed(error: unknown): void {
    if (!this.seen && isStatus(error, 403)) this.#state = "Hidden";
  }
}
