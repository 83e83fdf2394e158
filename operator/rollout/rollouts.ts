import type { Clock } from "../../runtime/clock.ts";
import { rolloutOf, type Facts, type Look, type Memory } from "./rollout.ts";

/** Looks at the rollout of each proxy, pass after pass, and remembers how long nothing has moved. */
export class Rollouts {
  readonly #clock: Clock;
  readonly #memories = new Map<string, Memory>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  look(proxy: string, facts: Omit<Facts, "now" | "wall">): Pick<Look, "rollout" | "again"> {
    const now = { now: this.#clock.now(), wall: this.#clock.wall() };
    const { memory, rollout, again } = rolloutOf({ ...facts, ...now }, this.#memories.get(proxy));
    this.#memories.set(proxy, memory);
    return { rollout, again };
  }

  /** Forgets a proxy that is gone. */
  forget(proxy: string): void {
    this.#memories.delete(proxy);
  }
}
