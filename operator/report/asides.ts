import type { Log } from "../../runtime/log.ts";
import type { LocatedProblem } from "../translate/translation.ts";

/** Lines for one proxy in one pass; then one line says how many more there are. */
const MOST = 20;

/**
 * Logs the problems that a status may not tell, since they are about what Secrets hold: names of Secrets and of their
 * entries, never values. Each problem once, until it is solved.
 */
export class Asides {
  readonly #log: Log;
  /** By proxy. */
  readonly #told = new Map<string, ReadonlySet<string>>();

  constructor(log: Log) {
    this.#log = log;
  }

  tell(proxy: string, asides: readonly LocatedProblem[]): void {
    const told = this.#told.get(proxy);
    const keys = asides.map(({ object, at, message }) => JSON.stringify([object, at, message]));
    const news = asides.filter((_, index) => told?.has(keys[index] ?? "") !== true);
    if (keys.length === 0) this.#told.delete(proxy);
    else this.#told.set(proxy, new Set(keys));
    for (const { object, at, message } of news.slice(0, MOST)) {
      this.#log.warn({ proxy, object, field: at, problem: message }, "API key left out");
    }
    if (news.length > MOST) this.#log.warn({ proxy, more: news.length - MOST }, "more API keys left out");
  }

  /** Forgets a proxy that is gone. */
  forget(proxy: string): void {
    this.#told.delete(proxy);
  }
}
