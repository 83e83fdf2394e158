/**
 * Values that outlive a config change: counters, token buckets, key sets. Each snapshot that is compiled recalls the
 * values that it needs by key; values that the newest one did not recall are dropped.
 */
export class Memory {
  #current = new Map<string, unknown>();
  #next = new Map<string, unknown>();
  #changes: (() => void)[] = [];
  #recorded: string[] | undefined;

  /** The value kept under this key, or a new one. The key names the type: one key, one `create`. */
  recall<T>(key: string, create: () => T): T {
    const known = this.#next.get(key) ?? this.#current.get(key);
    const value = known === undefined ? create() : (known as T);
    this.#next.set(key, value);
    this.#recorded?.push(key);
    return value;
  }

  /** Compiles a part, and records which keys it recalled: `keep` of these keys replaces compiling it again. */
  recorded<T>(compile: () => T): { readonly value: T; readonly keys: readonly string[] } {
    const keys = (this.#recorded = []);
    try {
      return { value: compile(), keys };
    } finally {
      this.#recorded = undefined;
    }
  }

  /** Keeps the values of these keys, as if they were recalled. */
  keep(keys: readonly string[]): void {
    for (const key of keys) this.#next.set(key, this.#next.get(key) ?? this.#current.get(key));
  }

  /** A change to a value that is in use: made when the snapshot that is being compiled takes force, else never. */
  onCommit(change: () => void): void {
    this.#changes.push(change);
  }

  /** Called when a compiled snapshot takes force: makes its changes, and drops the values that it did not recall. */
  commit(): void {
    const before = this.#current;
    this.#current = this.#next;
    for (const [key, value] of before) if (!this.#current.has(key)) dispose(value);
    this.#next = new Map();
    const changes = this.#changes;
    this.#changes = [];
    for (const change of changes) change();
  }

  /** Called when a compile failed: the values in force stay. */
  rollback(): void {
    this.#next = new Map();
    this.#changes = [];
  }

  /** Drops every value: the proxy is gone. */
  clear(): void {
    this.rollback();
    this.commit();
  }
}

/** A value that counts towards a bound of the process, such as a table of subjects, must learn that it was dropped. */
function dispose(value: unknown): void {
  (value as Partial<Disposable> | undefined)?.[Symbol.dispose]?.();
}
