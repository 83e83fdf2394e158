import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "./cluster.ts";
import { dataplanePods, isServing, nameOf, sessionsOn } from "./dataplane.ts";
import type { Ending, Entry } from "./entry.ts";
import { isPassing } from "./passing.ts";

/** One pod that was told to stop, and its clients at that moment. */
export interface Departure {
  readonly pod: string;
  readonly at: number;
  readonly addresses: ReadonlySet<string>;
}

/** Between two looks, in ms: a pod that stops keeps its sessions for seconds before it closes the first. */
const LOOK = 200;

/** Watches a proxy's pods come and go, until it is stopped or the scenario is over. */
export class Departures {
  readonly #cluster: Cluster;
  readonly #proxy: readonly [namespace: string, name: string];
  readonly #seen = new Map<string, Departure>();
  readonly #watching: Promise<void>;
  #over = false;
  #fault: unknown;
  /** Pods that served at the same time, at the least. */
  fewest = Number.POSITIVE_INFINITY;

  constructor(cluster: Cluster, namespace: string, name: string) {
    this.#cluster = cluster;
    this.#proxy = [namespace, name];
    this.#watching = this.#watch();
    this.#watching.catch((error: unknown) => (this.#fault = error)); // it is said when they are asked for
  }

  /** Those so far, in order; from now on none is forgotten, and none is told again. */
  take(): Departure[] {
    if (this.#fault !== undefined) throw this.#fault as Error;
    const departures = [...this.#seen.values()].filter((departure) => !this.#taken.has(departure));
    for (const departure of departures) this.#taken.add(departure);
    return departures;
  }
  readonly #taken = new Set<Departure>();

  async stop(): Promise<void> {
    this.#over = true;
    await this.#watching;
  }

  async #watch(): Promise<void> {
    while (!this.#over && !this.#cluster.signal.aborted) {
      await this.#look().catch((error: unknown) => {
        if (!isPassing(error)) throw error;
      });
      await sleep(LOOK);
    }
  }

  async #look(): Promise<void> {
    const pods = await dataplanePods(this.#cluster, ...this.#proxy);
    this.fewest = Math.min(this.fewest, pods.filter(isServing).length);
    for (const pod of pods) {
      if (pod.metadata?.deletionTimestamp === undefined || this.#seen.has(nameOf(pod))) continue;
      const sessions = await sessionsOn(this.#cluster, pod);
      const addresses = new Set(sessions.map(({ address }) => address));
      this.#seen.set(nameOf(pod), { pod: nameOf(pod), at: Date.now(), addresses });
    }
  }
}

/** How the sessions ended that were on a pod when it was told to stop. */
export function endings(entries: readonly (Entry & { closed: Ending })[], { at, addresses }: Departure): Ending[] {
  return entries
    .filter(({ as, opened, closed }) => addresses.has(as) && (opened ?? at) < at && closed.at > at)
    .map(({ closed }) => closed);
}
