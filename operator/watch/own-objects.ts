import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../runtime/clock.ts";
import { briefOf } from "./brief-object.ts";
import type { Cache, WatchedKind } from "./cache.ts";
import { keyOf, type KubeObject } from "../kube/kinds.ts";
import type { Pod } from "./pod.ts";

/** For this time after a write, our answer counts until the cache has the written version; ms. */
const PATIENCE = 10_000;

interface Write {
  readonly object: KubeObject;
  readonly at: number;
}

/**
 * The operator's own objects as they are now: as the cache has them or, until the cache has our last write, as the API
 * server answered that write. So a pass that follows soon does not write the same again.
 */
export class OwnObjects {
  readonly #cache: Pick<Cache, "get" | "ofProxy">;
  readonly #clock: Clock;
  readonly #writes = new Map<string, Write>();
  #tidied = 0;

  constructor(cache: Pick<Cache, "get" | "ofProxy">, clock: Clock) {
    this.#cache = cache;
    this.#clock = clock;
  }

  get(kind: WatchedKind, namespace: string, name: string): KubeObject | undefined {
    const cached = this.#cache.get(kind, namespace, name);
    const key = `${kind} ${namespace}/${name}`;
    const write = this.#writes.get(key);
    if (write === undefined) return cached;
    if (this.#clock.now() - write.at < PATIENCE && !isAtLeast(cached, write.object)) return write.object;
    this.#writes.delete(key);
    return cached;
  }

  /** The objects of one kind that the operator made for the proxy with this label, as the cache has them. */
  ofProxy(kind: WatchedKind, namespace: string, label: string): readonly KubeObject[] {
    return this.#cache.ofProxy(kind, namespace, label);
  }

  /** Takes the API server's answer to a write of ours. */
  wrote(kind: WatchedKind, object: KubeObject): void {
    const at = this.#clock.now();
    if (at - this.#tidied >= PATIENCE) this.#tidy(at);
    this.#writes.set(`${kind} ${keyOf(object)}`, { object: briefOf(object), at });
  }

  /** Is this change of the cache news, and not only the echo of our own write? */
  isNews(kind: WatchedKind, now: KubeObject | undefined, before: KubeObject | undefined): boolean {
    const object = now ?? before;
    if (object === undefined) return false;
    const key = `${kind} ${keyOf(object)}`;
    const write = this.#writes.get(key)?.object;
    if (write === undefined) return true;
    if (now === undefined) this.#writes.delete(key);
    if (now?.metadata.resourceVersion !== write.metadata.resourceVersion) return true;
    // A new list may show our write together with what the kubelet wrote before it.
    return !isDeepStrictEqual(stateOf(now), stateOf(before));
  }

  /** Drops writes that are older than PATIENCE. */
  #tidy(now: number): void {
    this.#tidied = now;
    for (const [key, { at }] of this.#writes) if (now - at >= PATIENCE) this.#writes.delete(key);
  }
}

/** What the cache retains of an object that the kubelet writes. */
function stateOf(object: Pod | undefined): unknown {
  return [object?.metadata.deletionTimestamp, object?.status];
}

/** The versions of one object grow and can be compared as numbers (Kubernetes documents it since 1.35; it always held). */
function isAtLeast(object: KubeObject | undefined, other: KubeObject): boolean {
  return Number(object?.metadata.resourceVersion ?? -1) >= Number(other.metadata.resourceVersion ?? 0);
}
