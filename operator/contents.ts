import { ApiError, isStatus } from "./kube/api-error.ts";
import type { Caller } from "./kube/client.ts";
import { keyOf, KINDS, pathOf, type KubeObject } from "./kube/kinds.ts";
import { isOfOne } from "./refusals.ts";

/** Kinds of which the cache has metadata only. */
export type ContentKind = "Secret" | "ConfigMap";

interface Entry {
  readonly object: Promise<KubeObject | undefined>;
  /** Proxies that look at it. */
  readonly readers: Set<string>;
}

/** What came of reading. */
export interface Reading {
  /** The whole of an object, by what the cache knows of it; those that are gone are left out. */
  readonly whole: ReadonlyMap<KubeObject, KubeObject>;
  /** Those that are there and could not be read, each for a reason of its own. */
  readonly unread: readonly UnreadObject[];
}

export interface UnreadObject {
  readonly kind: ContentKind;
  readonly object: KubeObject;
  readonly error: ApiError;
}

/**
 * Secrets and ConfigMaps whole: read when a proxy looks at them, kept as long as one does and they do not change. One
 * call for each version, however many proxies look.
 */
export class Contents {
  readonly #client: Caller;
  readonly #entries = new Map<string, Entry>();
  /** Proxy → the entries that it looks at. */
  readonly #reads = new Map<string, Set<string>>();

  constructor(client: Caller) {
    this.#client = client;
  }

  /** How many are kept. */
  get size(): number {
    return this.#entries.size;
  }

  /** Reads objects that the cache knows, each in that version or a newer one. */
  async read(
    proxy: string,
    known: readonly (readonly [ContentKind, KubeObject])[],
    signal: AbortSignal,
  ): Promise<Reading> {
    const whole = new Map<KubeObject, KubeObject>();
    const unread: UnreadObject[] = [];
    const read = async ([kind, object]: readonly [ContentKind, KubeObject]): Promise<void> => {
      try {
        const found = await this.#entry(proxy, kind, object, signal);
        if (found !== undefined) whole.set(object, found);
      } catch (error) {
        if (signal.aborted || !(error instanceof ApiError) || !isOfOne(error)) throw error;
        unread.push({ kind, object, error });
      }
    };
    await Promise.all(known.map(read));
    return { whole, unread };
  }

  /** An object of a proxy as it was just written, so that it need not be read back. */
  put(proxy: string, kind: ContentKind, object: KubeObject): void {
    const key = entryKey(kind, object);
    this.#entries.set(key, { object: Promise.resolve(object), readers: new Set([proxy]) });
    this.#readsOf(proxy).add(key);
  }

  /** Drops what a proxy looked at before and does not any more, unless others do. */
  keepOnly(proxy: string, known: readonly (readonly [ContentKind, KubeObject])[]): void {
    const keys = new Set(known.map(([kind, object]) => entryKey(kind, object)));
    const reads = this.#readsOf(proxy);
    for (const key of reads) {
      if (keys.has(key)) continue;
      reads.delete(key);
      const entry = this.#entries.get(key);
      entry?.readers.delete(proxy);
      if (entry?.readers.size === 0) this.#entries.delete(key);
    }
  }

  /** A proxy is gone. */
  forget(proxy: string): void {
    this.keepOnly(proxy, []);
    this.#reads.delete(proxy);
  }

  #entry(proxy: string, kind: ContentKind, known: KubeObject, signal: AbortSignal): Promise<KubeObject | undefined> {
    const key = entryKey(kind, known);
    this.#readsOf(proxy).add(key);
    const entry = this.#entries.get(key);
    if (entry !== undefined) {
      entry.readers.add(proxy);
      return entry.object;
    }
    const object = this.#fetch(kind, known, signal);
    this.#entries.set(key, { object, readers: new Set([proxy]) });
    const drop = (): void => void this.#entries.delete(key);
    // What failed, is gone or is another version by now is no answer for those who ask later.
    object.then((it) => it?.metadata.resourceVersion === known.metadata.resourceVersion || drop(), drop);
    return object;
  }

  async #fetch(kind: ContentKind, { metadata }: KubeObject, signal: AbortSignal): Promise<KubeObject | undefined> {
    const { apiVersion } = KINDS[kind];
    try {
      const path = pathOf(KINDS[kind], metadata.namespace, metadata.name);
      return { ...(await this.#client.request<KubeObject>({ path, signal })), apiVersion, kind };
    } catch (error) {
      if (isStatus(error, 404)) return undefined;
      throw error;
    }
  }

  #readsOf(proxy: string): Set<string> {
    const reads = this.#reads.get(proxy) ?? new Set();
    this.#reads.set(proxy, reads);
    return reads;
  }
}

function entryKey(kind: ContentKind, object: KubeObject): string {
  const { uid = "", resourceVersion = "" } = object.metadata;
  return `${kind} ${keyOf(object)} ${uid} ${resourceVersion}`;
}
