import type { Clock } from "../../runtime/clock.ts";

/** Events of one proxy that may come at once, and the time in which one more may; ms. Kubernetes' own recorder has the same. */
const BURST = 25;
const REFILL = 5 * 60_000;
/** Proxies whose spending is remembered. */
const MAX_REMEMBERED = 10_000;

/** How many Events each proxy may still make. A proxy that is deleted and made again has spent what it has spent. */
export class EventBudget {
  readonly #clock: Clock;
  /** Proxy → the time at which it will have made up for all its Events. */
  readonly #paid = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes one Event; false: the proxy has made too many. */
  take(proxy: string): boolean {
    if (this.wait(proxy) > 0) return false;
    const paid = Math.max(this.#paid.get(proxy) ?? 0, this.#clock.now());
    this.#paid.delete(proxy);
    this.#paid.set(proxy, paid + REFILL);
    const [oldest] = this.#paid.keys();
    if (this.#paid.size > MAX_REMEMBERED && oldest !== undefined) this.#paid.delete(oldest);
    return true;
  }

  /** Time until the proxy may make an Event; ms. */
  wait(proxy: string): number {
    const ahead = (this.#paid.get(proxy) ?? 0) - this.#clock.now();
    return Math.max(0, ahead - (BURST - 1) * REFILL);
  }
}
