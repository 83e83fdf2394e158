import type { Config } from "../../api/config.ts";
import { KIND } from "../../api/meta.ts";
import { textSize } from "../../api/text-size.ts";
import { backendObjects } from "./backend-objects.ts";
import { MOST, type Budget } from "./budgets.ts";
import type { Cache } from "../watch/cache.ts";
import { ConfigInForceReader, nameIn } from "./config-in-force.ts";
import { manifestForm } from "./content-forms.ts";
import { withDistinctEntries } from "./distinct-entries.ts";
import type { Contents, UnreadableObject } from "../watch/contents.ts";
import type { WrittenConfigs } from "./written-configs.ts";
import { keyOf, type KubeObject } from "../kube/kinds.ts";
import { Load } from "../platform/load.ts";
import type { OwnObjects } from "../watch/own-objects.ts";
import { injectedPodsOf, podsOf, type PodsOfProxy } from "../watch/own-pods.ts";
import { isAlive, type Pod } from "../watch/pod.ts";
import { packer } from "../platform/packer.ts";
import { NamedObjectsReader } from "./named-objects.ts";
import { serviceIn } from "../render/service-record.ts";
import { sidecarIn } from "../render/sidecar-record.ts";
import { Refusals, type Failure } from "../refusals.ts";
import { referencesOf, type References } from "../watch/references.ts";
import { SeenKeys } from "./seen-keys.ts";
import { namesOf, type Names } from "../render/names.ts";
import type { Owner } from "../render/owner.ts";
import type { Resources, Unread } from "../translate/resources.ts";

/** Everything that one pass decides on. */
export interface Gathered {
  readonly owner: Owner;
  readonly names: Names;
  /** The WebSocketProxy as it is now, with its spec. */
  readonly proxy: KubeObject;
  readonly resources: Resources;
  readonly configInForce: Config | undefined;
  /** A Secret of the config in force that exists and cannot be read: the config in force is not known. */
  readonly unreadable: Failure | undefined;
  /** Our own Secrets and ConfigMaps, by kind and name, with hashes in the place of long values. */
  readonly data: ReadonlyMap<string, KubeObject>;
  /** The Secret with the admin token exists and cannot be read. */
  readonly tokenUnreadable: boolean;
  readonly pods: PodsOfProxy;
  /** Injected pods of an earlier proxy of this name, of mode Sidecar: they read the config of this one, which is not theirs. */
  readonly guests: readonly Pod[];
}

/** Reads the objects that one proxy names, within its budget, and the objects that the operator wrote for it. */
export class Gatherer {
  readonly #cache: Cache;
  readonly #own: OwnObjects;
  readonly #contents: Contents;
  readonly #inForce: ConfigInForceReader;
  readonly #named: NamedObjectsReader;
  readonly #seenKeys = new SeenKeys();
  readonly #refusals = new Refusals();
  /** What each proxy named in its last pass. */
  readonly #references = new Map<string, References>();
  /** Uids of the Secrets that passes of each proxy read since a pass last read all of them. */
  readonly #remembered = new Map<string, ReadonlySet<string>>();
  readonly #exceeded = new Map<string, readonly Budget[]>();

  constructor(cache: Cache, own: OwnObjects, contents: Contents, configs: WrittenConfigs) {
    this.#cache = cache;
    this.#own = own;
    this.#contents = contents;
    this.#inForce = new ConfigInForceReader(own, contents, configs);
    this.#named = new NamedObjectsReader(cache, contents);
  }

  /** `cached`: the metadata of the proxy. undefined: the proxy is gone. Throws TooHeavy if it is more than `load` takes. */
  async gather(cached: KubeObject, signal: AbortSignal, load = new Load()): Promise<Gathered | undefined> {
    const { name, namespace = "" } = cached.metadata;
    const key = keyOf(cached);
    this.#contents.begin(key);
    const proxy = await this.#manifest(key, cached, load, signal);
    if (proxy === undefined) return undefined;
    const owner = { namespace, name, uid: proxy.metadata.uid ?? "" };
    const names = namesOf(name, packer.hash);
    const inForce = await this.#inForce.read(key, owner, names, load, signal);
    const references = referencesOf(proxy, inForce.config);
    this.#references.set(key, references);
    const remembered = this.#remembered.get(key);
    const named = await this.#named.read(key, namespace, references, remembered, load, signal);
    this.#tell(key, [...inForce.unreadable, ...named.failed].map(failureOf));
    const reader = { cache: this.#cache, contents: this.#contents };
    const backends = await backendObjects(reader, key, namespace, references.services, load, signal);
    const written = inForce.config && inForce.data.get(nameIn("Secret", names.configPart(0)));
    const serviceInForce = serviceIn(written?.metadata.annotations);
    const sidecarInForce = sidecarIn(written?.metadata.annotations);
    const isToken = ({ object }: UnreadableObject): boolean => object.metadata.name === names.admin;
    const part = inForce.unreadable.find((one) => one.kind === "Secret" && !isToken(one));
    const unreadable = [...named.failed.map(unreadableOf), ...named.beyond];
    const { secrets, configMaps, uids } = named;
    if (unreadable.length === 0 || remembered !== undefined) this.#remembered.set(key, uids);
    const injected = this.#injectedPods(owner, names);
    // The mode of the config in force, whatever an edit says that is not accepted.
    const isSidecar = serviceInForce === undefined && (sidecarInForce !== undefined || asksForSidecar(proxy));
    const pods = isSidecar ? injected : this.#pods(owner, names);
    this.#exceed(key, [
      ...named.exceeded,
      ...(backends.cut.size === 0 && !backends.undecoded.some(({ beyond }) => beyond === true)
        ? []
        : ["endpoints" as const]),
      ...(isWithin(pods) ? [] : ["pods" as const]),
    ]);
    return {
      owner,
      names,
      proxy,
      configInForce: inForce.config,
      resources: {
        proxy,
        secrets,
        configMaps,
        services: backends.services,
        endpointSlices: backends.endpointSlices,
        cutServices: backends.cut,
        ...(serviceInForce === undefined ? {} : { serviceInForce }),
        ...(sidecarInForce === undefined ? {} : { sidecarInForce }),
        undecoded: [...backends.undecoded, ...named.undecoded],
        unread: unreadable,
        seenKeys: this.#seenKeys.before(key, { secrets, unread: unreadable }, inForce.config),
      },
      unreadable: part && failureOf(part),
      data: inForce.data,
      tokenUnreadable: inForce.unreadable.some(isToken),
      pods,
      guests: isSidecar ? [] : injected.own,
    };
  }

  /** What a proxy named in its last pass; undefined: it had no pass yet. */
  referencesOf(proxy: string): References | undefined {
    return this.#references.get(proxy);
  }

  /** The budgets that each proxy exceeded in its last pass. */
  get exceeded(): Iterable<readonly Budget[]> {
    return this.#exceeded.values();
  }

  /** The translation found the spec of this proxy too large. */
  refuseSpec(proxy: string): void {
    this.#exceed(proxy, [...(this.#exceeded.get(proxy) ?? []), "spec"]);
  }

  /** Forgets a proxy that is gone. */
  forget(proxy: string): void {
    this.#references.delete(proxy);
    this.#contents.forget(proxy);
    this.#seenKeys.forget(proxy);
    this.#refusals.forget(proxy);
    this.#inForce.forget(proxy);
    this.#remembered.delete(proxy);
    this.#exceeded.delete(proxy);
  }

  async #manifest(key: string, cached: KubeObject, load: Load, signal: AbortSignal): Promise<KubeObject | undefined> {
    const content = await this.#contents.one(key, { kind: KIND, object: cached, form: manifestForm }, signal);
    load.add(typeof content === "string" ? content.length : textSize(content, Number.POSITIVE_INFINITY));
    const manifest = typeof content === "string" ? (JSON.parse(content) as KubeObject) : content;
    return manifest && withDistinctEntries(manifest);
  }

  /** A failure that may pass by itself fails this pass: only a second one in a row is told. */
  #tell(proxy: string, failures: readonly Failure[]): void {
    const told = new Set(this.#refusals.told(proxy, failures));
    const untold = failures.find((failure) => !told.has(failure));
    if (untold !== undefined) throw untold.error;
  }

  /** Bounded: a tenant that may write pods can give any number of them the proxy's label. */
  #pods(owner: Owner, { base }: Names): PodsOfProxy {
    const { namespace } = owner;
    const deployment = this.#own.get("Deployment", namespace, base);
    const replicaSets = this.#cache.ofProxy("ReplicaSet", namespace, base);
    const { own, strangers, newest } = podsOf(
      owner,
      deployment,
      replicaSets,
      this.#cache.ofProxy("Pod", namespace, base),
    );
    return { own: aliveFirst(own, MOST.pods), strangers: strangers.slice(0, MOST.pods), newest };
  }

  /** Bounded too, and those without a data plane by themselves: they must not hide those that have one. */
  #injectedPods({ namespace }: Owner, { base }: Names): PodsOfProxy {
    const { own, strangers } = injectedPodsOf(this.#cache.ofProxy("InjectedPod", namespace, base));
    return { own: aliveFirst(own, MOST.injectedPods), strangers: strangers.slice(0, MOST.pods), injected: true };
  }

  #exceed(proxy: string, budgets: readonly Budget[]): void {
    if (budgets.length === 0) this.#exceeded.delete(proxy);
    else this.#exceeded.set(proxy, budgets);
  }
}

function asksForSidecar(proxy: KubeObject): boolean {
  return (proxy as { readonly spec?: { readonly mode?: unknown } }).spec?.mode === "Sidecar";
}

function isWithin({ own, strangers, injected }: PodsOfProxy): boolean {
  return own.length < (injected === true ? MOST.injectedPods : MOST.pods) && strangers.length < MOST.pods;
}

/**
 * At most so many of the pods. A node may evict one pod after the other, Jobs end, and Kubernetes keeps thousands of such
 * pods: they must not hide those that serve.
 */
function aliveFirst(pods: readonly Pod[], most: number): readonly Pod[] {
  if (pods.length <= most) return pods;
  return [...pods.filter(isAlive), ...pods.filter((pod) => !isAlive(pod))].slice(0, most);
}

function failureOf({ kind, object, error }: UnreadableObject): Failure {
  return { kind, name: object.metadata.name, error };
}

function unreadableOf({ kind, object, error }: UnreadableObject): Unread {
  const { namespace = "", name, labels = {} } = object.metadata;
  return {
    kind: kind as Unread["kind"],
    metadata: { namespace, name, labels },
    forbidden: error.status === 403,
    words: error.words,
  };
}
