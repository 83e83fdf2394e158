import { ApiError } from "./api-error.ts";
import type { Call, Caller } from "./call.ts";
import { TIMEOUT } from "./client.ts";

/** What could hardly be answered any more is not begun; ms. */
const LEAST = 100;

/**
 * Lets calls that change something through only while we surely lead, and ends them when that time is over. The signal
 * of a term alone is not enough: after a stall of the process its timers may run later than what else is due.
 */
export function fenced(client: Caller, remaining: () => number): Caller {
  return {
    async request<T>(call: Call): Promise<T> {
      if (call.method === undefined || call.method === "GET") return client.request<T>(call);
      const left = remaining();
      if (left < LEAST) throw new ApiError(call, 0, "NotLeading", "another process may lead by now");
      return client.request<T>({ ...call, timeout: Math.min(call.timeout ?? TIMEOUT, left) });
    },
  };
}
