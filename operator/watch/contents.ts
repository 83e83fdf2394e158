import { ApiError, isStatus } from "../kube/api-error.ts";
import type { Caller } from "../kube/call.ts";
import { kept } from "../kube/collection.ts";
import { keyOf, KINDS, pathOf, type KindName, type KubeObject } from "../kube/kinds.ts";
import { KeptContents, type Weighed } from "./kept-contents.ts";
import { isObjectSpecific } from "../refusals.ts";

/** What is wanted of an object; the rest of it goes as soon as it was read. */
export interface Form<T = unknown> {
  /** The same for forms that make the same of an object. */
  readonly name: string;
  readonly of: (object: KubeObject) => Weighed<T>;
}

/** What of an object there is to read: `object` is what the cache knows of it. */
export interface Wanted<T = unknown> {
  readonly kind: KindName;
  readonly object: KubeObject;
  readonly form: Form<T>;
}

/** What came of reading. */
export interface Reading<T = unknown> {
  /** By what the cache knows of an object; those that are gone are left out. */
  readonly found: ReadonlyMap<KubeObject, T>;
  /** Those that are there and could not be read, each for a reason of its own. */
  readonly unread: readonly UnreadObject[];
}

export interface UnreadObject {
  readonly kind: KindName;
  readonly object: KubeObject;
  readonly error: ApiError;
}

/** Objects that are read at the same time for one proxy. */
const AT_A_TIME = 4;
/** Bytes that are kept of what was read for all proxies. */
const MOST_KEPT = 12 * 1024 * 1024;
/** Bytes of one content that is kept: what is larger is read anew in each pass. */
const LARGEST_KEPT = 384 * 1024;

/**
 * What objects say of which the cache has only metadata: read when a proxy looks at them, a few at a time, and kept as long
 * as one does, they do not change and there is room. One call for each version, however many proxies look.
 */
export class Contents {
  readonly #client: Caller;
  readonly #kept = new KeptContents(MOST_KEPT, LARGEST_KEPT);
  readonly #underWay = new Map<string, Promise<Weighed | undefined>>();

  constructor(client: Caller) {
    this.#client = client;
  }

  /** How many are kept. */
  get size(): number {
    return this.#kept.size;
  }

  /** Bytes that they take, about. */
  get weight(): number {
    return this.#kept.weight;
  }

  /** A pass of a proxy begins: what the last one did not look at is dropped. */
  begin(proxy: string): void {
    this.#kept.begin(proxy);
  }

  /** Reads objects that the cache knows, each in that version or a newer one. */
  async read<T>(proxy: string, wanted: readonly Wanted<T>[], signal: AbortSignal): Promise<Reading<T>> {
    const found = new Map<KubeObject, T>();
    const unread: UnreadObject[] = [];
    const left = wanted.values();
    const work = async (): Promise<void> => {
      for (const one of left) {
        try {
          const content = await this.#content(proxy, one, signal);
          if (content !== undefined) found.set(one.object, content.value as T);
        } catch (error) {
          if (signal.aborted || !(error instanceof ApiError) || !isObjectSpecific(error)) throw error;
          unread.push({ kind: one.kind, object: one.object, error });
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_A_TIME, wanted.length) }, work));
    return { found, unread };
  }

  /** Reads one object; undefined: it is gone. Rejects where it cannot be read. */
  async one<T>(proxy: string, wanted: Wanted<T>, signal: AbortSignal): Promise<T | undefined> {
    return (await this.#content(proxy, wanted, signal))?.value as T | undefined;
  }

  /** What is kept of an object in this version, without a look at the API server. */
  kept<T>(proxy: string, { kind, object, form }: Wanted<T>): T | undefined {
    return this.#kept.get(proxy, entryKey(kind, object, form))?.value as T | undefined;
  }

  /** An object of a proxy as it was just written, so that it need not be read back. */
  put(proxy: string, { kind, object, form }: Wanted): void {
    this.#kept.put(proxy, entryKey(kind, object, form), form.of(object));
  }

  /** A proxy is gone. */
  forget(proxy: string): void {
    this.#kept.forget(proxy);
  }

  async #content(proxy: string, wanted: Wanted, signal: AbortSignal): Promise<Weighed | undefined> {
    const { kind, object, form } = wanted;
    const key = entryKey(kind, object, form);
    const known = this.#kept.get(proxy, key);
    if (known !== undefined) return known;
    const others = this.#underWay.get(key);
    if (others !== undefined) return others;
    const reading = this.#read(proxy, key, wanted, signal);
    this.#underWay.set(key, reading);
    try {
      return await reading;
    } finally {
      this.#underWay.delete(key);
    }
  }

  async #read(
    proxy: string,
    key: string,
    { kind, object, form }: Wanted,
    signal: AbortSignal,
  ): Promise<Weighed | undefined> {
    const whole = await fetched(this.#client, kind, object, signal);
    if (whole === undefined) return undefined;
    const content = form.of(whole);
    // Another version by now is no answer for a later pass.
    if (whole.metadata.resourceVersion === object.metadata.resourceVersion) this.#kept.put(proxy, key, content);
    return content;
  }
}

/** Kinds of which the operator has the right to get an object; of the others it lists the one. */
const CAN_GET: readonly KindName[] = ["Secret", "ConfigMap"];

/** An object as it is now; undefined: it is gone. */
export async function fetched(
  client: Caller,
  kind: KindName,
  { metadata: { namespace, name } }: KubeObject,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  if (!CAN_GET.includes(kind)) {
    const query = { fieldSelector: `metadata.name=${name}`, limit: 1 };
    const path = pathOf(KINDS[kind], namespace);
    const { items } = await client.request<{ readonly items?: readonly KubeObject[] | null }>({ path, query, signal });
    const found = items?.find(({ metadata }) => metadata.name === name);
    return found && kept(found, KINDS[kind]);
  }
  try {
    return kept(await client.request<KubeObject>({ path: pathOf(KINDS[kind], namespace, name), signal }), KINDS[kind]);
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}

function entryKey(kind: KindName, object: KubeObject, form: Form): string {
  const { uid = "", resourceVersion = "" } = object.metadata;
  return `${kind} ${keyOf(object)} ${uid} ${resourceVersion} ${form.name}`;
}
