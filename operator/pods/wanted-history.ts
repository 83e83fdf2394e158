import type { ProxyReport } from "../../api/report.ts";
import type { Wanted } from "./wanted.ts";

/** The latest of what the pods of a proxy were to serve. */
const MOST = 64;

interface Step {
  readonly wanted: Wanted;
  readonly since: number;
}

/**
 * Says since when a pod is behind, by what it reports: while keys or endpoints change all the time, a pod never serves the
 * newest, and is only a moment behind all the same.
 */
export class WantedHistory {
  #steps: readonly Step[] = [];

  /** From now on the pods are to serve this. */
  want(wanted: Wanted, now: number): void {
    const last = this.#steps.at(-1)?.wanted;
    if (last?.hash === wanted.hash && last.endpointsHash === wanted.endpointsHash) return;
    this.#steps = [...this.#steps, { wanted, since: now }].slice(-MOST);
  }

  /** When something else was first wanted than the pod serves. undefined: the pod serves nothing that is remembered. */
  behindSince({ hash, endpointsHash }: Pick<ProxyReport, "hash" | "endpointsHash">): number | undefined {
    const config = this.#supersededAt(({ wanted }) => wanted.hash === hash);
    const endpoints = this.#supersededAt(({ wanted }) => wanted.endpointsHash === endpointsHash);
    return config === undefined || endpoints === undefined ? undefined : Math.min(config, endpoints);
  }

  /** Infinity: it is still wanted. */
  #supersededAt(isIt: (step: Step) => boolean): number | undefined {
    const at = this.#steps.findLastIndex(isIt);
    return at === -1 ? undefined : (this.#steps[at + 1]?.since ?? Number.POSITIVE_INFINITY);
  }
}
