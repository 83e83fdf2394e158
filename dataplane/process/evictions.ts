import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { SparseLog } from "../../runtime/sparse-log.ts";

/**
 * Why a socket was closed without an answer. Silent: it sent nothing, and others needed its descriptor. Crowd: it was the
 * last in the line of an address with many there, and others needed its descriptor. Descriptors: none was left for it.
 * Stopping: it had sent nothing, or no complete head, when the process stopped.
 */
export const EVICTION_REASONS = ["Silent", "Crowd", "Descriptors", "Stopping"] as const;

export type EvictionReason = (typeof EVICTION_REASONS)[number];

interface EvictionCount {
  evicted(reason: EvictionReason): void;
}

/** Counts the sockets that are closed without an answer, and logs them once a second at most. */
export class Evictions {
  readonly #metrics: EvictionCount;
  readonly #lines: SparseLog<EvictionReason>;

  constructor(clock: Clock, log: Log, metrics: EvictionCount) {
    this.#metrics = metrics;
    this.#lines = new SparseLog(clock, (sockets) => log.warn({ sockets }, "sockets closed without an answer"));
  }

  count(reason: EvictionReason): void {
    this.#metrics.evicted(reason);
    this.#lines.count(reason);
  }
}
