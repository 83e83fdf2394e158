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
  /** The proxy of a config that could not even be read, if that is what came last. */
  #unread: string | undefined;
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  get byProxy(): ReadonlyMap<string, RejectedConfig> {
    return this.#byProxy;
  }

  /** Proxies of which the config that came last is refused; "" where that config does not say for which proxy it is. */
  get refused(): ReadonlySet<string> {
    return new Set([...this.#byProxy.keys(), ...(this.#unread === undefined ? [] : [this.#unread])]);
  }

  /** A config that could not be read, for `proxy` as far as that is known. */
  unread(proxy: string): void {
    this.#metrics.configRejected(proxy);
    this.#unread = proxy;
  }

  /** `proxy` is "" where the config does not say for which proxy it is. */
  add(proxy: string, rejected: RejectedConfig): Applied {
    this.#metrics.configRejected(proxy);
    this.#unread = proxy === "" ? "" : undefined;
    if (proxy !== "") this.#byProxy.set(proxy, rejected);
    const { stage, problems } = rejected;
    return { ok: false, proxy, stage, problems };
  }

  /** The config that came last is in force. */
  inForce(proxy: string): Applied {
    this.nothing(proxy);
    return { ok: true, proxy };
  }

  /** There is no config that could be refused. */
  nothing(proxy: string): void {
    this.#byProxy.delete(proxy);
    this.#unread = undefined;
  }

  forget(proxy: string): void {
    this.#byProxy.delete(proxy);
  }
}
