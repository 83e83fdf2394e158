import { DEBUG } from "../../api/debug.ts";

/**
 * The last refusals, as the events that they were: so that the client that has just failed can be looked at. Each is one
 * text of its own; a part of the request would keep the whole of its head in memory.
 */
export class KeptRefusals {
  readonly #texts: string[] = [];
  /** Where the next one goes, once there is no more room. */
  #next = 0;

  keep(event: object): void {
    this.#texts[this.#next] = JSON.stringify(event);
    this.#next = (this.#next + 1) % DEBUG.refusals;
  }

  /** Oldest first. */
  *[Symbol.iterator](): Generator<Readonly<Record<string, unknown>>> {
    const texts = [...this.#texts.slice(this.#next), ...this.#texts.slice(0, this.#next)];
    for (const text of texts) yield JSON.parse(text) as Readonly<Record<string, unknown>>;
  }
}
