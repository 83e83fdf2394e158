/**
 * What outlives a config change: counters, token buckets, key sets. Each compiled snapshot recalls what it needs by
 * key; what the newest one did not ask for is dropped.
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

  /** Compiles a part, and notes what it recalled: `keep` of the same keys stands for compiling it again. */
  recorded<T>(compile: () => T): { readonly value: T; readonly keys: readonly string[] } {
    const keys = (this.#recorded = []);
    try {
      return { value: compile(), keys };
    } finally {
      this.#recorded = undefined;
    }
  }

  /** What is in force under these keys stays. */
  keep(keys: readonly string[]): void {
    for (const key of keys) this.#next.set(key, this.#next.get(key) ?? this.#current.get(key));
  }

  /** A change to a value that is in use: made when the snapshot being compiled takes force, and not at all if it never does. */
  onCommit(change: () => void): void {
    this.#changes.push(change);
  }

  /** Called when a compiled snapshot takes force: makes its changes, and forgets what it did not recall. */
  commit(): void {
    const before = this.#current;
    this.#current = this.#next;
    for (const [key, value] of before) if (!this.#current.has(key)) dispose(value);
    this.#next = new Map();
    const changes = this.#changes;
    this.#changes = [];
    for (const change of changes) change();
  }

  /** Called when a compile failed: what is in force stays. */
  rollback(): void {
    this.#next = new Map();
    this.#changes = [];
  }

  /** Forgets everything: nothing is compiled any more. */
  clear(): void {
    this.rollback();
    this.commit();
  }
}

/** Some of what is kept counts among what other memories keep: it is told when it is forgotten. */
function dispose(value: unknown): void {
  (value as Partial<Disposable> | undefined)?.[Symbol.dispose]?.();
}
