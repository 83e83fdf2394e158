import type { Operation } from "./scripts/script.ts";

/** How a call ended: with an answer in time; without one; with an error, or unsent for want of a connection. */
export type Result = "Answered" | "Late" | "Failed";

/** The metrics of one proxy's store, their label values looked up once. */
export interface LinkMetrics {
  /** `seconds` of a call that was sent. */
  request(operation: Operation, result: Result, seconds?: number): void;
  available(is: boolean): void;
  /** Takes the series away; what comes later counts no more. */
  close(): void;
}

/** The metrics of the stores of all proxies. */
export interface StoresMetrics {
  /** Those of one proxy's store, all at 0. */
  of(proxy: string): LinkMetrics;
}
