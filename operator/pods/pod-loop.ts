import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { pause } from "../../runtime/loop/pause.ts";
import { Turns } from "../kube/turns.ts";
import type { PodsOfProxy } from "../watch/own-pods.ts";
import type { DataplanePods, PodState } from "./dataplane-pods.ts";
import { textOf, type Target } from "./wanted.ts";

export interface PodLoopOptions {
  readonly pods: Pick<DataplanePods, "look">;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when the state of a proxy's pods has changed: the proxy needs a pass. */
  readonly changed: (proxy: string) => void;
}

/** While pods are behind the loop looks again after this time, and after a while less often; ms. */
const SOON = 300;
const LATER = 5000;
const A_WHILE = 30_000;
/** Looks at the same time, each at the pods of one proxy; other proxies wait in turn. */
const AT_A_TIME = 16;

interface Pending {
  readonly wanted: string;
  readonly since: number;
}

/**
 * Looks at the pods of each proxy until all of them serve what they are to. A look is no pass: the loop asks for a pass only
 * when the state of the pods has changed. It looks at the pods that the last pass found: each event about a pod brings a new
 * pass, which begins the loop anew.
 */
export class PodLoop {
  readonly #options: PodLoopOptions;
  readonly #turns = new Turns(AT_A_TIME);
  readonly #pending = new Map<string, Pending>();
  readonly #stops = new Map<string, AbortController>();
  /** Loops that still run, also stopped ones with a look under way. */
  readonly #loops = new Set<Promise<void>>();

  constructor(options: PodLoopOptions) {
    this.#options = options;
  }

  /**
   * The look of a pass. If pods are behind, the loop of the proxy goes on from here until `signal` aborts. `target` is
   * undefined when it is not known what the pods are to serve.
   */
  async look(proxy: string, of: PodsOfProxy, target: Target | undefined, signal: AbortSignal): Promise<PodState> {
    this.stop(proxy);
    const state = await this.#options.pods.look(proxy, of, target, signal);
    if (target === undefined || state.behind.length === 0) this.#pending.delete(proxy);
    else this.#begin(proxy, of, target, state, signal);
    return state;
  }

  /** Ends the loop of a proxy: a pass is about to write what its pods are to serve. */
  stop(proxy: string): void {
    this.#stops.get(proxy)?.abort();
    this.#stops.delete(proxy);
  }

  /** Forgets a proxy that is gone. */
  forget(proxy: string): void {
    this.stop(proxy);
    this.#pending.delete(proxy);
  }

  /** Resolves when no look is under way any more; to be called when the signal of all loops has aborted. */
  async ended(): Promise<void> {
    await Promise.all(this.#loops);
  }

  #begin(proxy: string, of: PodsOfProxy, target: Target, state: PodState, term: AbortSignal): void {
    const wanted = textOf(target.wanted);
    if (this.#pending.get(proxy)?.wanted !== wanted) {
      this.#pending.set(proxy, { wanted, since: this.#options.clock.now() });
    }
    const stop = new AbortController();
    this.#stops.set(proxy, stop);
    const signal = AbortSignal.any([term, stop.signal]);
    const loop = this.#run(proxy, of, target, state, signal).catch((error: unknown) => {
      if (signal.aborted) return;
      this.#options.log.warn({ proxy, err: error }, "pods not looked at; making a pass");
      this.#options.changed(proxy);
    });
    this.#loops.add(loop);
    void loop.finally(() => this.#loops.delete(loop));
  }

  async #run(proxy: string, of: PodsOfProxy, target: Target, told: PodState, signal: AbortSignal): Promise<void> {
    const { pods, clock, changed } = this.#options;
    for (let last = told; last.behind.length > 0;) {
      await pause(this.#wait(proxy), clock, signal);
      if (signal.aborted) return;
      const release = await this.#turns.take(signal);
      let state: PodState;
      try {
        // A stopped loop must not look: a look remembers pods, and a pass may have forgotten the proxy since.
        if (signal.aborted) return;
        state = await pods.look(proxy, of, target, signal);
      } finally {
        release();
      }
      if (signal.aborted) return;
      if (!isDeepStrictEqual(state, last)) changed(proxy);
      last = state;
    }
  }

  #wait(proxy: string): number {
    const since = this.#pending.get(proxy)?.since ?? Number.NEGATIVE_INFINITY;
    return this.#options.clock.now() - since < A_WHILE ? SOON : LATER;
  }
}
