import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** Usage of a program. */
export interface Probe {
  /** CPU time of the longest turn of its event loop since the last reset, in ms. */
  readonly longest: number;
  /** CPU time of its main thread, in ms. */
  readonly cpu: number;
  /** Bytes. */
  readonly rss: number;
}

/** Loaded before a program's own code (`--import`), in a process with an IPC channel to the test. */
export const PROBE = join(import.meta.dirname, "loop-probe.ts");

/** Asks a program with the probe for its usage. */
export async function probe(child: ChildProcess, what: "read" | "reset" = "read"): Promise<Probe> {
  child.send(what);
  const [answer] = (await once(child, "message")) as [Probe];
  return answer;
}
