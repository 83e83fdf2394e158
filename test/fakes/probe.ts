import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** What a program uses. */
export interface Probe {
  /** The most CPU time that its event loop took without a turn for others, in ms, since the last reset. */
  readonly longest: number;
  /** CPU time of its main thread, in ms. */
  readonly cpu: number;
  /** Bytes. */
  readonly rss: number;
}

/** To be loaded before a program's own code (`--import`), in a process with a channel to the test. */
export const PROBE = join(import.meta.dirname, "loop-probe.ts");

/** Asks a program that has the probe in it. */
export async function probe(child: ChildProcess, what: "read" | "reset" = "read"): Promise<Probe> {
  child.send(what);
  const [answer] = (await once(child, "message")) as [Probe];
  return answer;
}
