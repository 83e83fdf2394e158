interface Entry<V> {
  readonly key: string;
  readonly value: V;
  older: Entry<V> | undefined;
  newer: Entry<V> | undefined;
}

/**
 * A map in the order in which its entries were last asked for. It takes as much memory as is in it: `lru-cache` takes all
 * that it may ever need at once, and the order of a plain Map takes longer to ask the more of its entries have gone.
 */
export class Recent<V> {
  readonly #entries = new Map<string, Entry<V>>();
  #oldest: Entry<V> | undefined;
  #newest: Entry<V> | undefined;

  get size(): number {
    return this.#entries.size;
  }

  /** The value of a key, which is the newest from now on. */
  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry !== this.#newest) {
      this.#unlink(entry);
      this.#append(entry);
    }
    return entry.value;
  }

  /** Puts a value in the place of the key's last one, as the newest. */
  set(key: string, value: V): void {
    this.delete(key);
    const entry = { key, value, older: undefined, newer: undefined };
    this.#entries.set(key, entry);
    this.#append(entry);
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#unlink(entry);
  }

  /** Takes the entry out that was not asked for for the longest time; its value. */
  dropOldest(): V | undefined {
    const oldest = this.#oldest;
    if (oldest !== undefined) this.delete(oldest.key);
    return oldest?.value;
  }

  /** From the oldest on. */
  *values(): Generator<V> {
    for (let entry = this.#oldest; entry !== undefined; entry = entry.newer) yield entry.value;
  }

  #append(entry: Entry<V>): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #unlink({ older, newer }: Entry<V>): void {
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
  }
}
