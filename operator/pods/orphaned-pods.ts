import type { Clock } from "../../runtime/clock.ts";
import { takesConfig } from "../watch/injected-pod.ts";
import type { Pod } from "../watch/pod.ts";
import { uidOf } from "./pod-inquiry.ts";

export interface OrphanedPodsOptions {
  readonly clock: Clock;
  /** Nudges pods; resolves with those that it had no time for. */
  readonly nudge: (pods: readonly Pod[], signal: AbortSignal) => Promise<readonly Pod[]>;
}

/**
 * The pods are nudged so often after their config went, and no more: the first nudge may reach a kubelet before the news that
 * the Secrets are gone. What missed all of them, the kubelets find out by themselves within two minutes.
 */
const ROUNDS = 4;
/** The second round comes after this time, and each further one after four times as long; ms. */
const SECOND = 2000;
/** A round that was too large for one turn goes on after this time; ms. */
const SOON = 100;

/** The nudges of the pods of one proxy. */
interface Farewell {
  /** When this process saw that the config is gone. */
  readonly since: number;
  /** The next round; ROUNDS: all are over. */
  readonly round: number;
  /** Uids of the pods that the last round has not nudged yet. */
  readonly left: ReadonlySet<string>;
}

/**
 * Nudges injected pods whose proxy is gone, once its config is gone too: the kubelets then empty the config folders, and the
 * data planes end their sessions. Kubernetes deletes a proxy's Secrets only after the proxy.
 */
export class OrphanedPods {
  readonly #options: OrphanedPodsOptions;
  /** By proxy. */
  readonly #farewells = new Map<string, Farewell>();

  constructor(options: OrphanedPodsOptions) {
    this.#options = options;
  }

  /** This process begins to lead: what another one told the pods is not known. */
  begin(): void {
    this.#farewells.clear();
  }

  /**
   * One look at the pods of a proxy that is gone; `isConfigGone`: are its Secrets and its ConfigMap gone, too? Resolves with the
   * ms after which the next look is due; undefined: only an event brings one.
   */
  async look(
    proxy: string,
    pods: readonly Pod[],
    isConfigGone: boolean,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { clock, nudge } = this.#options;
    const reachable = pods.filter(takesConfig);
    if (reachable.length === 0 || !isConfigGone) {
      this.forget(proxy);
      return undefined;
    }
    const known = this.#farewells.get(proxy) ?? { since: clock.now(), round: 0, left: new Set<string>() };
    const isNew = known.left.size === 0 && clock.now() - known.since >= beginOf(known.round);
    const due = isNew ? reachable : reachable.filter((pod) => known.left.has(uidOf(pod)));
    const left = due.length === 0 ? [] : await nudge(due, signal);
    const now = { ...known, round: known.round + (isNew ? 1 : 0), left: new Set(left.map(uidOf)) };
    if (!signal.aborted) this.#farewells.set(proxy, now);
    if (left.length > 0) return SOON;
    return now.round === ROUNDS ? undefined : Math.max(SOON, now.since + beginOf(now.round) - clock.now());
  }

  /** The proxy is there again, or its last pod is gone. */
  forget(proxy: string): void {
    this.#farewells.delete(proxy);
  }
}

/** When a round begins, from the end of the config on; ms. */
function beginOf(round: number): number {
  if (round === ROUNDS) return Number.POSITIVE_INFINITY;
  return round === 0 ? 0 : SECOND * 4 ** (round - 1);
}
