import type { Script } from "./scripts/script.ts";

/** One proxy's way to its store. */
export interface Link {
  /**
   * The store may be asked: it is connected, this process has joined and published its counts, the store is old enough
   * to know all pods, and the breaker is closed.
   */
  readonly available: boolean;
  /**
   * Runs a script. Rejects with Unavailable, and with nothing else: at once where no connection is ready, else after the
   * deadline. `patience`: ms instead of the deadline of a handshake. It does not look at `available`: a caller does.
   */
  call(
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
    patience?: number,
  ): Promise<unknown>;
  /** The store does not know this process: joins anew. Resolves when it has joined or failed; never rejects. */
  rejoin(): Promise<void>;
}

/** The store did not answer, or not in time, or with an error: `whenUnavailable` decides. */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
}
