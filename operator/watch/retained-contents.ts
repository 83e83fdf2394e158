/** A value, and the memory that it takes. */
export interface Weighed<T = unknown> {
  readonly value: T;
  /** Bytes, about; more than the budget (Infinity): it is not retained. */
  readonly weight: number;
}

interface Entry<T> {
  readonly content: Weighed<T>;
  readonly readers: Set<string>;
}

interface Reader {
  pass: number;
  /** Bytes of all entries that it uses. */
  share: number;
  /** Keys of the entries that it uses, the least recently used first, each with the pass of its last use. */
  readonly uses: Map<string, number>;
}

/**
 * Retains what was read for proxies, within a budget of bytes over all of them. Beyond it, the proxy that uses most bytes
 * loses its least recently used entry: so large proxies never push out what small ones use. An entry is dropped when no
 * proxy used it in its last pass.
 */
export class RetainedContents<T = unknown> {
  readonly #most: number;
  readonly #largest: number;
  readonly #entries = new Map<string, Entry<T>>();
  readonly #readers = new Map<string, Reader>();
  #weight = 0;

  /** In bytes; an entry larger than `largest` is not retained. */
  constructor(most: number, largest: number) {
    this.#most = most;
    this.#largest = largest;
  }

  /** Number of entries. */
  get size(): number {
    return this.#entries.size;
  }

  /** Bytes that they take, about. */
  get weight(): number {
    return this.#weight;
  }

  /** A pass of a proxy begins: it gives up the entries that its last pass did not use. */
  begin(proxy: string): void {
    const reader = this.#readerOf(proxy);
    for (const [key, pass] of reader.uses) if (pass < reader.pass) this.#leave(reader, proxy, key);
    reader.pass += 1;
  }

  /** The entry, if it is retained; this counts as a use by the proxy. */
  get(proxy: string, key: string): Weighed<T> | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#join(proxy, key, entry);
    return entry?.content;
  }

  /** Retains an entry if it fits; this counts as a use by the proxy. */
  put(proxy: string, key: string, content: Weighed<T>): void {
    this.#drop(key);
    if (content.weight > this.#largest) return;
    const entry: Entry<T> = { content, readers: new Set() };
    this.#entries.set(key, entry);
    this.#weight += content.weight;
    this.#join(proxy, key, entry);
    while (this.#weight > this.#most) this.#relieve();
  }

  /** Forgets a proxy that is gone. */
  forget(proxy: string): void {
    const reader = this.#readerOf(proxy);
    for (const key of reader.uses.keys()) this.#leave(reader, proxy, key);
    this.#readers.delete(proxy);
  }

  #join(proxy: string, key: string, { content, readers }: Entry<T>): void {
    const reader = this.#readerOf(proxy);
    if (!readers.has(proxy)) reader.share += content.weight;
    readers.add(proxy);
    reader.uses.delete(key);
    reader.uses.set(key, reader.pass);
  }

  #leave(reader: Reader, proxy: string, key: string): void {
    reader.uses.delete(key);
    const entry = this.#entries.get(key);
    if (entry?.readers.delete(proxy) !== true) return;
    reader.share -= entry.content.weight;
    if (entry.readers.size === 0) this.#drop(key);
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#weight -= entry.content.weight;
    for (const proxy of entry.readers) {
      const reader = this.#readerOf(proxy);
      reader.uses.delete(key);
      reader.share -= entry.content.weight;
    }
  }

  /** Drops one entry. Every entry has a reader, so this finds one as long as there is an entry. */
  #relieve(): void {
    let largest: Reader | undefined;
    for (const reader of this.#readers.values()) {
      if (reader.uses.size > 0 && (largest === undefined || reader.share > largest.share)) largest = reader;
    }
    const [oldest = ""] = largest?.uses.keys() ?? [];
    this.#drop(oldest);
  }

  #readerOf(proxy: string): Reader {
    const reader = this.#readers.get(proxy) ?? { pass: 0, share: 0, uses: new Map<string, number>() };
    this.#readers.set(proxy, reader);
    return reader;
  }
}
