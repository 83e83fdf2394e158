/** What there is of one object in memory. */
export interface Weighed<T = unknown> {
  readonly value: T;
  /** Bytes that it takes while it is kept, about. */
  readonly weight: number;
}

interface Entry<T> {
  readonly content: Weighed<T>;
  readonly readers: Set<string>;
}

interface Reader {
  pass: number;
  /** Bytes of all that it looks at. */
  share: number;
  /** The entries that it looks at, longest ago first, each with the pass in which it last did. */
  readonly looks: Map<string, number>;
}

/**
 * What was read for proxies, within a budget of bytes over all of them. Beyond it the proxy that has most of it loses what
 * it looked at longest ago: so large ones never push out what small ones need. What a proxy did not look at in its last
 * pass is dropped.
 */
export class KeptContents<T = unknown> {
  readonly #most: number;
  readonly #largest: number;
  readonly #entries = new Map<string, Entry<T>>();
  readonly #readers = new Map<string, Reader>();
  #weight = 0;

  /** In bytes; what is larger than `largest` is not kept. */
  constructor(most: number, largest: number) {
    this.#most = most;
    this.#largest = largest;
  }

  /** How many are kept. */
  get size(): number {
    return this.#entries.size;
  }

  /** Bytes that they take, about. */
  get weight(): number {
    return this.#weight;
  }

  /** A pass of a proxy begins: what it did not look at in the one before is dropped. */
  begin(proxy: string): void {
    const reader = this.#readerOf(proxy);
    for (const [key, pass] of reader.looks) if (pass < reader.pass) this.#leave(reader, proxy, key);
    reader.pass += 1;
  }

  get(proxy: string, key: string): Weighed<T> | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#join(proxy, key, entry);
    return entry?.content;
  }

  put(proxy: string, key: string, content: Weighed<T>): void {
    this.#drop(key);
    if (content.weight > this.#largest) return;
    const entry: Entry<T> = { content, readers: new Set() };
    this.#entries.set(key, entry);
    this.#weight += content.weight;
    this.#join(proxy, key, entry);
    while (this.#weight > this.#most) this.#relieve();
  }

  /** A proxy is gone. */
  forget(proxy: string): void {
    const reader = this.#readerOf(proxy);
    for (const key of reader.looks.keys()) this.#leave(reader, proxy, key);
    this.#readers.delete(proxy);
  }

  #join(proxy: string, key: string, { content, readers }: Entry<T>): void {
    const reader = this.#readerOf(proxy);
    if (!readers.has(proxy)) reader.share += content.weight;
    readers.add(proxy);
    reader.looks.delete(key);
    reader.looks.set(key, reader.pass);
  }

  #leave(reader: Reader, proxy: string, key: string): void {
    reader.looks.delete(key);
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
      reader.looks.delete(key);
      reader.share -= entry.content.weight;
    }
  }

  /** Drops one entry: every entry has a reader, so there is one as long as anything is kept. */
  #relieve(): void {
    let largest: Reader | undefined;
    for (const reader of this.#readers.values()) {
      if (reader.looks.size > 0 && (largest === undefined || reader.share > largest.share)) largest = reader;
    }
    const [oldest = ""] = largest?.looks.keys() ?? [];
    this.#drop(oldest);
  }

  #readerOf(proxy: string): Reader {
    const reader = this.#readers.get(proxy) ?? { pass: 0, share: 0, looks: new Map<string, number>() };
    this.#readers.set(proxy, reader);
    return reader;
  }
}
