import type { Clock } from "../../runtime/clock.ts";
import { injectedRolloutOf, type InjectedFacts, type InjectedMemory } from "./injected-rollout.ts";
import { rolloutOf, type Facts, type Look, type Memory } from "./rollout.ts";

/** Looks at the rollout of each proxy, pass after pass, and remembers how long nothing has moved. */
export class Rollouts {
  readonly #clock: Clock;
  readonly #memories = new Map<string, Memory>();
  readonly #injected = new Map<string, InjectedMemory>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  look(proxy: string, facts: Omit<Facts, "now" | "wall">): Pick<Look, "rollout" | "again"> {
    const { memory, rollout, again } = rolloutOf({ ...facts, ...this.#now }, this.#memories.get(proxy));
    this.#memories.set(proxy, memory);
    return { rollout, again };
  }

  lookInjected(proxy: string, facts: Omit<InjectedFacts, "now" | "wall">): Pick<Look, "rollout" | "again"> {
    const { memory, rollout, again } = injectedRolloutOf({ ...facts, ...this.#now }, this.#injected.get(proxy));
    this.#injected.set(proxy, memory);
    return { rollout, again };
  }

  /** Forgets a proxy that is gone. */
  forget(proxy: string): void {
    this.#memories.delete(proxy);
    this.#injected.delete(proxy);
  }

  get #now(): Pick<Facts, "now" | "wall"> {
    return { now: this.#clock.now(), wall: this.#clock.wall() };
  }
}
