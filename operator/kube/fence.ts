import { ApiError } from "./api-error.ts";
import type { Call, Caller } from "./call.ts";
import { TIMEOUT } from "./client.ts";

/** With less time left a write is not begun, since its answer would hardly come in time; ms. */
const LEAST = 100;

/**
 * Lets reads through always, and writes only while no other process can lead (`remaining` in ms), which is also their
 * time-out. The signal of a term is not enough: after a stall of the process, its timer may run after other work.
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
