import type { Metrics } from "../metrics.ts";

/** A config that is not put in force, and why. */
export interface RejectedConfig {
  readonly hash: string;
  readonly stage: "config" | "listener";
  readonly problems: readonly string[];
}

/** What came of putting a config in force. */
export type Applied =
  | { readonly ok: true; readonly proxy: string }
  | ({ readonly ok: false; readonly proxy: string } & Omit<RejectedConfig, "hash">);

/** Of each proxy the config that came last, where that was rejected. */
export class RejectedConfigs {
  readonly #byProxy = new Map<string, RejectedConfig>();
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  get byProxy(): ReadonlyMap<string, RejectedConfig> {
    return this.#byProxy;
  }

  /** `proxy` is "" where the config does not say for which proxy it is: then it is counted only. */
  add(proxy: string, rejected: RejectedConfig): Applied {
    this.#metrics.configRejected(proxy);
    if (proxy !== "") this.#byProxy.set(proxy, rejected);
    const { stage, problems } = rejected;
    return { ok: false, proxy, stage, problems };
  }

  /** The config that came last is in force. */
  inForce(proxy: string): Applied {
    this.#byProxy.delete(proxy);
    return { ok: true, proxy };
  }

  forget(proxy: string): void {
    this.#byProxy.delete(proxy);
  }
}
