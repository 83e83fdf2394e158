import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";

/** What came at one moment. */
export interface Arrival {
  /** Monotonic, in ms. */
  readonly at: number;
  /** That began: a message is counted at its first frame. */
  readonly messages: number;
  /** Of their payload. */
  readonly bytes: number;
}

export type Unit = "messages" | "bytes";

export interface Arrivals {
  readonly byPath: Readonly<Record<string, readonly Arrival[]>>;
  /** The most by which the backend noted an arrival too late, in ms: it had no core. */
  readonly late: number;
}

/** A backend in a process of its own that notes when bytes of sessions arrive, by the path of the handshake. */
export class ArrivalsBackend {
  readonly #child: ChildProcess;
  readonly port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(): Promise<ArrivalsBackend> {
    const child = fork(new URL("arrivals-main.ts", import.meta.url));
    const [port] = (await once(child, "message")) as [number];
    return new ArrivalsBackend(child, port);
  }

  /** All so far. */
  async arrivals(): Promise<Arrivals> {
    this.#child.send("read");
    const [arrivals] = (await once(this.#child, "message")) as [Arrivals];
    return arrivals;
  }

  close(): void {
    this.#child.disconnect();
  }
}

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Units that came in all, from the first arrival to the last. */
export function total(arrivals: readonly Arrival[], unit: Unit): number {
  return arrivals.reduce((sum, arrival) => sum + arrival[unit], 0);
}

/** By how many units a window of arrivals was above `burst + rate × time`, at most; below 0 if none was. */
export function excess(arrivals: readonly Arrival[], unit: Unit, { perSecond, burst }: Rate): number {
  // The worst window that ends here begins at the arrival before which most tokens were left.
  let [worst, before, least] = [Number.NEGATIVE_INFINITY, 0, Number.POSITIVE_INFINITY];
  for (const arrival of arrivals) {
    const earned = (arrival.at / 1000) * perSecond;
    least = Math.min(least, before - earned);
    before += arrival[unit];
    worst = Math.max(worst, before - earned - least - burst);
  }
  return worst;
}
