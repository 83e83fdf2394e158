import type { Clock } from "../../runtime/clock.ts";

/** Writes of one proxy's status for nothing but its count of ready backends: so many in any span of SPAN ms. */
const MOST = 3;
const SPAN = 30_000;

/** Bounds how often a status is written for nothing but a count: the endpoints of a backend may come and go all the time. */
export class CountPace {
  readonly #clock: Pick<Clock, "now">;
  /** Proxy → when its last writes were, MOST at most. */
  readonly #written = new Map<string, readonly number[]>();

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** Milliseconds until a count of this proxy may be written; 0: it may be now, and counts as written. */
  take(proxy: string): number {
    const now = this.#clock.now();
    const recent = (this.#written.get(proxy) ?? []).filter((at) => now - at < SPAN);
    const [oldest = now] = recent;
    if (recent.length >= MOST) return oldest + SPAN - now;
    this.#written.set(proxy, [...recent, now]);
    return 0;
  }

  /** Forgets a proxy that is gone. */
  forget(proxy: string): void {
    this.#written.delete(proxy);
  }
}
