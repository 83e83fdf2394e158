import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Flow } from "./flow.ts";
import type { TunnelPlan } from "./plan.ts";
import type { Terminable } from "../rejection.ts";

/** Largest random share by which a lifetime is shortened. */
const JITTER = 0.1;

/** Ends a session that is idle for too long, or that has reached its lifetime. */
export class Lifespan {
  readonly #up: Flow;
  readonly #down: Flow;
  readonly #clock: Clock;
  readonly #openedAt: number;
  readonly #share: number;
  readonly #tunnel: Terminable;
  #idle: Timer | undefined;
  #lifetime: Timer | undefined;

  /** `random`, 0 to 1: the session's share of the jitter, which stays when the lifetime changes. */
  constructor(up: Flow, down: Flow, clock: Clock, random: number, tunnel: Terminable) {
    this.#up = up;
    this.#down = down;
    this.#clock = clock;
    this.#openedAt = clock.now();
    this.#share = 1 - random * JITTER;
    this.#tunnel = tunnel;
  }

  /** Puts times in force (ms; 0: off): `idle` counts from the last message, `lifetime` from the session's start. */
  apply({ idle, lifetime }: Pick<TunnelPlan, "idle" | "lifetime">): void {
    this.stop();
    if (idle > 0) this.#watchIdle(idle);
    if (lifetime > 0) {
      const left = this.#openedAt + lifetime * this.#share - this.#clock.now();
      this.#lifetime = this.#clock.after(Math.max(0, left), () =>
        this.#tunnel.close({ reason: "LifetimeEnded", policy: "timeouts" }),
      );
    }
  }

  /** The session is ending, and may be idle meanwhile. Its lifetime still holds. */
  ended(): void {
    this.#idle?.cancel();
  }

  stop(): void {
    this.#idle?.cancel();
    this.#lifetime?.cancel();
  }

  /** Looks again only when the session could be idle: a message costs no timer. */
  #watchIdle(idle: number): void {
    this.#idle = this.#clock.after(Math.max(1, this.#active + idle - this.#clock.now()), () => {
      if (this.#clock.now() - this.#active >= idle) this.#tunnel.close({ reason: "IdleTimeout", policy: "timeouts" });
      else this.#watchIdle(idle);
    });
  }

  get #active(): number {
    return Math.max(this.#up.active, this.#down.active);
  }
}
