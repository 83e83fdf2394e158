import { ApiError, isStatus } from "../kube/api-error.ts";
import type { Caller } from "../kube/call.ts";
import { stripped } from "../kube/collection.ts";
import { keyOf, KINDS, pathOf, type KindName, type KubeObject } from "../kube/kinds.ts";
import { RetainedContents, type Weighed } from "./retained-contents.ts";
import { isObjectSpecific } from "../refusals.ts";

/** Takes from an object what a pass needs; the rest of the object is dropped as soon as it was read. */
export interface Form<T = unknown> {
  /** Forms with the same name take the same from an object. */
  readonly name: string;
  readonly of: (object: KubeObject) => Weighed<T>;
}

/** Bytes that an object takes beside its texts, about: part of the weight of each content. */
export const OBJECT_WEIGHT = 512;

/** A content that a pass needs: of which object, as the cache retains it, and in which form. */
export interface NeededContent<T = unknown> {
  readonly kind: KindName;
  readonly object: KubeObject;
  readonly form: Form<T>;
}

/** The result of reading several objects. */
export interface Reading<T = unknown> {
  /** `NeededContent.object` → what its form took; objects that are gone are left out. */
  readonly found: ReadonlyMap<KubeObject, T>;
  /** Objects that exist and cannot be read, each for a reason of its own. */
  readonly unreadable: readonly UnreadableObject[];
}

/** An object that exists and cannot be read: the API server's answer is about this object only. */
export interface UnreadableObject {
  readonly kind: KindName;
  readonly object: KubeObject;
  readonly error: ApiError;
}

/** Objects that are read at the same time for one proxy. */
const AT_A_TIME = 4;
/** Bytes of contents that are retained, for all proxies together. */
const MOST_RETAINED = 12 * 1024 * 1024;
/** Bytes of one content that is retained: a larger one is read again in each pass. */
const LARGEST_RETAINED = 384 * 1024;

/**
 * Reads objects of which the cache has only metadata, a few at a time for one proxy, and retains what their forms take: as
 * long as a proxy uses it, the object does not change and there is room. Each version is read by one call, however many
 * proxies want it.
 */
export class Contents {
  readonly #client: Caller;
  readonly #retained = new RetainedContents(MOST_RETAINED, LARGEST_RETAINED);
  readonly #underWay = new Map<string, Promise<Weighed | undefined>>();

  constructor(client: Caller) {
    this.#client = client;
  }

  /** Number of contents that are retained. */
  get size(): number {
    return this.#retained.size;
  }

  /** Bytes that they take, about. */
  get weight(): number {
    return this.#retained.weight;
  }

  /** A pass of a proxy begins: contents that its last pass did not use are dropped. */
  begin(proxy: string): void {
    this.#retained.begin(proxy);
  }

  /** Reads objects, each in the version that the cache knows or a newer one. Rejects where an error is not about one object. */
  async read<T>(proxy: string, wanted: readonly NeededContent<T>[], signal: AbortSignal): Promise<Reading<T>> {
    const found = new Map<KubeObject, T>();
    const unreadable: UnreadableObject[] = [];
    const left = wanted.values();
    const work = async (): Promise<void> => {
      for (const one of left) {
        try {
          const content = await this.#content(proxy, one, signal);
          if (content !== undefined) found.set(one.object, content.value as T);
        } catch (error) {
          if (signal.aborted || !(error instanceof ApiError) || !isObjectSpecific(error)) throw error;
          unreadable.push({ kind: one.kind, object: one.object, error });
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_A_TIME, wanted.length) }, work));
    return { found, unreadable };
  }

  /** Reads one object; undefined: it is gone. Rejects with an ApiError where it cannot be read. */
  async one<T>(proxy: string, wanted: NeededContent<T>, signal: AbortSignal): Promise<T | undefined> {
    return (await this.#content(proxy, wanted, signal))?.value as T | undefined;
  }

  /** What is retained of an object in this version, without a call to the API server. */
  retained<T>(proxy: string, { kind, object, form }: NeededContent<T>): T | undefined {
    return this.#retained.get(proxy, entryKey(kind, object, form))?.value as T | undefined;
  }

  /** Retains an object of a proxy as the operator has just written it, so that no pass reads it back. */
  put(proxy: string, { kind, object, form }: NeededContent): void {
    this.#retained.put(proxy, entryKey(kind, object, form), form.of(object));
  }

  /** Forgets a proxy that is gone. */
  forget(proxy: string): void {
    this.#retained.forget(proxy);
  }

  async #content(proxy: string, wanted: NeededContent, signal: AbortSignal): Promise<Weighed | undefined> {
    const { kind, object, form } = wanted;
    const key = entryKey(kind, object, form);
    const retained = this.#retained.get(proxy, key);
    if (retained !== undefined) return retained;
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
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
    { kind, object, form }: NeededContent,
    signal: AbortSignal,
  ): Promise<Weighed | undefined> {
    const whole = await fetched(this.#client, kind, object, signal);
    if (whole === undefined) return undefined;
    const content = form.of(whole);
    // If the object has changed since, a later pass must not find its content under the old version.
    if (whole.metadata.resourceVersion === object.metadata.resourceVersion) this.#retained.put(proxy, key, content);
    return content;
  }
}

/** Kinds of which the operator may get an object; it may only list the others, and lists the one object. */
const CAN_GET: readonly KindName[] = ["Secret", "ConfigMap"];

/** An object as the API server has it now; undefined: it is gone. */
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
    return found && stripped(found, KINDS[kind]);
  }
  try {
    return stripped(
      await client.request<KubeObject>({ path: pathOf(KINDS[kind], namespace, name), signal }),
      KINDS[kind],
    );
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}

function entryKey(kind: KindName, object: KubeObject, form: Form): string {
  const { uid = "", resourceVersion = "" } = object.metadata;
  return `${kind} ${keyOf(object)} ${uid} ${resourceVersion} ${form.name}`;
}
