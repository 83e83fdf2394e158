import { tools } from "./tools.ts";
import type { Resources } from "./translate/resources.ts";

/**
 * Digests of what Secrets of a proxy have held since one of them cannot be read. Whose keys are in force is not known
 * then, and they stay; but one that was seen in a Secret, and is in none now, was removed.
 */
export class SeenKeys {
  /** By proxy. */
  readonly #seen = new Map<string, ReadonlySet<string>>();

  /** Those of earlier passes; what there is now is remembered for the next one. */
  before(proxy: string, { secrets, unread = [] }: Resources): ReadonlySet<string> {
    const before = this.#seen.get(proxy) ?? new Set();
    if (unread.length === 0) {
      this.#seen.delete(proxy);
      return before;
    }
    const values = secrets.filter(({ type }) => type === "Opaque").flatMap(({ data }) => Object.values(data));
    this.#seen.set(proxy, new Set([...before, ...values.map((value) => tools.sha256(value.trim()))]));
    return before;
  }

  /** A proxy is gone. */
  forget(proxy: string): void {
    this.#seen.delete(proxy);
  }
}
