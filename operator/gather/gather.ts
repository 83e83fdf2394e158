import type { Config } from "../../api/config.ts";
import { KIND } from "../../api/meta.ts";
import { textSize } from "../../api/text-size.ts";
import { backendObjects } from "./backend-objects.ts";
import { MOST, type Budget } from "./budgets.ts";
import type { Cache } from "../watch/cache.ts";
import { ConfigInForce } from "./config-in-force.ts";
import { manifestForm } from "./content-forms.ts";
import type { Contents, UnreadableObject } from "../watch/contents.ts";
import type { InForce } from "./in-force.ts";
import { keyOf, type KubeObject } from "../kube/kinds.ts";
import { Load } from "../platform/load.ts";
import type { OwnObjects } from "../watch/own-objects.ts";
import { podsOf, type PodsOfProxy } from "../watch/own-pods.ts";
import { packer } from "../platform/packer.ts";
import { NamedObjectsReader } from "./named-objects.ts";
import { Refusals, type Failure } from "../refusals.ts";
import { referencesOf, type References } from "../watch/references.ts";
import { SeenKeys } from "./seen-keys.ts";
import { namesOf, type Names } from "../render/names.ts";
import type { Owner } from "../render/owner.ts";
import type { Resources, Unread } from "../translate/resources.ts";

/** Everything that one pass looks at. */
export interface Gathered {
  readonly owner: Owner;
  readonly names: Names;
  /** As it is now, whole. */
  readonly proxy: KubeObject;
  readonly resources: Resources;
  /** The config in force. */
  readonly previous: Config | undefined;
  /** A Secret of the config in force that cannot be read: what was in force is not known. */
  readonly blind: Failure | undefined;
  /** Our own Secrets and ConfigMaps, by kind and name, with hashes in the place of long values. */
  readonly data: ReadonlyMap<string, KubeObject>;
  /** The Secret with the admin token is there and cannot be read now. */
  readonly tokenUnread: boolean;
  readonly pods: PodsOfProxy;
}

/** Collects what the translation of one proxy may look at, and what there is of its own objects. */
export class Gatherer {
  readonly #cache: Cache;
  readonly #own: OwnObjects;
  readonly #contents: Contents;
  readonly #before: ConfigInForce;
  readonly #referred: NamedObjectsReader;
  readonly #seenKeys = new SeenKeys();
  readonly #refusals = new Refusals();
  /** What each proxy referred to when it was last looked at. */
  readonly #references = new Map<string, References>();
  /** Uids of the Secrets that were read of each proxy since all of them last were. */
  readonly #read = new Map<string, ReadonlySet<string>>();
  readonly #exceeded = new Map<string, readonly Budget[]>();

  constructor(cache: Cache, own: OwnObjects, contents: Contents, inForce: InForce) {
    this.#cache = cache;
    this.#own = own;
    this.#contents = contents;
    this.#before = new ConfigInForce(own, contents, inForce);
    this.#referred = new NamedObjectsReader(cache, contents);
  }

  /** undefined: the proxy is gone. Throws TooHeavy where it is more than `load` takes. */
  async gather(known: KubeObject, signal: AbortSignal, load = new Load()): Promise<Gathered | undefined> {
    const { name, namespace = "" } = known.metadata;
    const key = keyOf(known);
    this.#contents.begin(key);
    const proxy = await this.#manifest(key, known, load, signal);
    if (proxy === undefined) return undefined;
    const owner = { namespace, name, uid: proxy.metadata.uid ?? "" };
    const names = namesOf(name, packer.hash);
    const { config: previous, data, unseen } = await this.#before.read(key, owner, names, load, signal);
    const references = referencesOf(proxy, previous);
    this.#references.set(key, references);
    const read = this.#read.get(key);
    const referred = await this.#referred.read(key, namespace, references, read, load, signal);
    this.#tell(key, [...unseen, ...referred.failed].map(failureOf));
    const reader = { cache: this.#cache, contents: this.#contents };
    const places = await backendObjects(reader, key, namespace, references.services, load, signal);
    const isToken = ({ object }: UnreadableObject): boolean => object.metadata.name === names.admin;
    const blind = unseen.find((one) => one.kind === "Secret" && !isToken(one));
    const unread = [...referred.failed.map(unreadOf), ...referred.beyond];
    const { secrets, configMaps, uids } = referred;
    if (unread.length === 0 || read !== undefined) this.#read.set(key, uids);
    const pods = this.#pods(owner, names);
    this.#exceed(key, [
      ...referred.exceeded,
      ...(places.cut.size === 0 ? [] : ["endpoints" as const]),
      ...(Math.max(pods.own.length, pods.strangers.length) < MOST.pods ? [] : ["pods" as const]),
    ]);
    return {
      owner,
      names,
      proxy,
      previous,
      resources: {
        proxy,
        secrets,
        configMaps,
        services: places.services,
        endpointSlices: places.endpointSlices,
        cutServices: places.cut,
        unread,
        seenKeys: this.#seenKeys.before(key, { secrets, unread }, previous),
      },
      blind: blind && failureOf(blind),
      data,
      tokenUnread: unseen.some(isToken),
      pods,
    };
  }

  /** What a proxy referred to when it was last looked at; undefined: it was not yet. */
  referencesOf(proxy: string): References | undefined {
    return this.#references.get(proxy);
  }

  /** Budgets that proxies had spent when they were last looked at, proxy by proxy. */
  get exceeded(): Iterable<readonly Budget[]> {
    return this.#exceeded.values();
  }

  /** Its spec is too large to be looked at. */
  refuseSpec(proxy: string): void {
    this.#exceed(proxy, [...(this.#exceeded.get(proxy) ?? []), "spec"]);
  }

  /** A proxy is gone. */
  forget(proxy: string): void {
    this.#references.delete(proxy);
    this.#contents.forget(proxy);
    this.#seenKeys.forget(proxy);
    this.#refusals.forget(proxy);
    this.#before.forget(proxy);
    this.#read.delete(proxy);
    this.#exceeded.delete(proxy);
  }

  async #manifest(key: string, known: KubeObject, load: Load, signal: AbortSignal): Promise<KubeObject | undefined> {
    const found = await this.#contents.one(key, { kind: KIND, object: known, form: manifestForm }, signal);
    load.add(typeof found === "string" ? found.length : textSize(found, Number.POSITIVE_INFINITY));
    return typeof found === "string" ? (JSON.parse(found) as KubeObject) : found;
  }

  /** What may pass by itself is tried once more: until then it is as if nothing had been read. */
  #tell(proxy: string, failures: readonly Failure[]): void {
    const told = new Set(this.#refusals.told(proxy, failures));
    const untold = failures.find((failure) => !told.has(failure));
    if (untold !== undefined) throw untold.error;
  }

  /** Of each sort as many as one proxy can have: any tenant that may write pods can give them the proxy's label. */
  #pods(owner: Owner, { base }: Names): PodsOfProxy {
    const { namespace } = owner;
    const deployment = this.#own.get("Deployment", namespace, base);
    const replicaSets = this.#cache.ofProxy("ReplicaSet", namespace, base);
    const { own, strangers } = podsOf(owner, deployment, replicaSets, this.#cache.ofProxy("Pod", namespace, base));
    return { own: own.slice(0, MOST.pods), strangers: strangers.slice(0, MOST.pods) };
  }

  #exceed(proxy: string, budgets: readonly Budget[]): void {
    if (budgets.length === 0) this.#exceeded.delete(proxy);
    else this.#exceeded.set(proxy, budgets);
  }
}

function failureOf({ kind, object, error }: UnreadableObject): Failure {
  return { kind, name: object.metadata.name, error };
}

function unreadOf({ kind, object, error }: UnreadableObject): Unread {
  const { namespace = "", name, labels = {} } = object.metadata;
  return {
    kind: kind as Unread["kind"],
    metadata: { namespace, name, labels },
    forbidden: error.status === 403,
    words: error.words,
  };
}
