import type { StoreConfig } from "../../api/config.ts";
import type { SharedLimits } from "./shared-limits.ts";

/** Counts over all pods, with the connection to the store that keeps them. It dials at the first `configure`. */
export interface Store extends SharedLimits {
  /** Puts settings in force: other than before, it connects anew, and no count is lost. */
  configure(settings: StoreConfig): void;
  /** The store could be asked once since it was made, or long enough was waited for that. */
  readonly settled: boolean;
  /** Leaves the store, where this process then counts no more. */
  close(): Promise<void>;
}

/** The store of one proxy over its configs: made for the first that names one, changed with each, closed with the last. */
export class StoreInForce {
  readonly #make: () => Store;
  #inForce: Store | undefined;
  #prepared: Store | undefined;
  /** The proxy has been ready to count: a store that goes, or comes later, changes nothing about that. */
  #settled = false;
  #closed = false;
  /** Ends of stores that were left. */
  readonly #leaving = new Set<Promise<void>>();

  constructor(make: () => Store) {
    this.#make = make;
  }

  get shared(): SharedLimits | undefined {
    return this.#inForce;
  }

  /** Counts are ready for handshakes, as far as waiting helps. */
  get settled(): boolean {
    this.#settled ||= this.#inForce?.settled === true;
    return this.#settled;
  }

  /** What policies of a config with this store are compiled with: `commit` or `rollback` must follow. */
  prepare(settings: StoreConfig | undefined): SharedLimits | undefined {
    if (settings === undefined || this.#closed) return undefined;
    return this.#inForce ?? (this.#prepared ??= this.#make());
  }

  rollback(): void {
    const dropped = this.#prepared;
    this.#prepared = undefined;
    if (dropped !== undefined) this.#leave(dropped);
  }

  /** `counted`: the kinds of keys of the occupancy that limits in force count. */
  commit(settings: StoreConfig | undefined, counted: ReadonlySet<string>): void {
    if (settings === undefined || this.#closed) {
      this.#settled = true;
      if (this.#inForce !== undefined) this.#leave(this.#inForce);
      this.#inForce = undefined;
      return this.rollback();
    }
    const store = (this.#inForce ??= this.#prepared ?? this.#make());
    this.#prepared = undefined;
    store.places.needs(counted);
    store.configure(settings);
  }

  /** The proxy counts no more, whatever config comes. Resolves when the store has been told, or cannot be. */
  async close(): Promise<void> {
    this.#closed = true;
    this.commit(undefined, new Set());
    await Promise.all(this.#leaving);
  }

  #leave(store: Store): void {
    const left = store.close().finally(() => this.#leaving.delete(left));
    this.#leaving.add(left);
  }
}
