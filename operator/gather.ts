import type { Config } from "../api/config.ts";
import { KIND, PACKED } from "../api/meta.ts";
import { belongsTo, isOf } from "./belonging.ts";
import { proxyLabelOf, type Cache } from "./cache.ts";
import type { ContentKind, Contents, UnreadObject } from "./contents.ts";
import { decode, resourcesOf, type KubernetesObject } from "./decode.ts";
import type { InForce, SecretData } from "./in-force.ts";
import { keyOf, type KubeObject } from "./kube/kinds.ts";
import type { OwnObjects } from "./own-objects.ts";
import { podsOf, type PodsOfProxy } from "./own-pods.ts";
import { packer } from "./packer.ts";
import { Refusals, type Failure } from "./refusals.ts";
import { referencesOf, refersToSecret, type References } from "./references.ts";
import { SeenKeys } from "./seen-keys.ts";
import { namesOf, type Names } from "./render/names.ts";
import type { Owner } from "./render/render.ts";
import type { Resources, Unread } from "./translate/resources.ts";

/** Everything that one pass looks at. */
export interface Gathered {
  readonly owner: Owner;
  readonly names: Names;
  readonly resources: Resources;
  /** The config in force. */
  readonly previous: Config | undefined;
  /** A Secret of the config in force that cannot be read: what was in force is not known. */
  readonly blind: Failure | undefined;
  /** Our own Secrets and ConfigMaps with their data, by kind and name. */
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
  readonly #inForce: InForce;
  /** Objects as the translation wants them: made once for each version. */
  readonly #decoded = new WeakMap<KubeObject, readonly KubernetesObject[]>();
  readonly #seenKeys = new SeenKeys();
  readonly #refusals = new Refusals();
  /** What each proxy referred to when it was last looked at. */
  readonly #references = new Map<string, References>();

  constructor(cache: Cache, own: OwnObjects, contents: Contents, inForce: InForce) {
    this.#cache = cache;
    this.#own = own;
    this.#contents = contents;
    this.#inForce = inForce;
  }

  async gather(proxy: KubeObject, signal: AbortSignal): Promise<Gathered> {
    const { name, namespace = "", uid = "" } = proxy.metadata;
    const owner = { namespace, name, uid };
    const key = keyOf(proxy);
    const names = namesOf(name, packer.hash);
    const kept = this.#ownData(owner, names);
    const { whole: known, unread: unseen } = await this.#contents.read(key, kept, signal);
    const previous = this.#previous(key, owner, names, known);
    const references = referencesOf(proxy, previous);
    this.#references.set(key, references);
    const referred = this.#referred(namespace, references);
    const { whole, unread } = await this.#contents.read(key, referred, signal);
    this.#contents.keepOnly(key, [...kept, ...referred]);
    this.#tell(key, [...unseen, ...unread].map(failureOf));
    const isToken = ({ object }: UnreadObject): boolean => object.metadata.name === names.admin;
    const blind = unseen.find((one) => one.kind === "Secret" && !isToken(one));
    const found = referred.flatMap(([, object]) => whole.get(object) ?? []);
    const objects = [...found, ...this.#backends(namespace, references)].flatMap((it) => this.#decode(it));
    const resources: Resources = {
      ...resourcesOf({ kind: KIND, namespace, name, manifest: proxy }, objects),
      unread: unread.map(unreadOf),
    };
    return {
      owner,
      names,
      previous,
      resources: { ...resources, seenKeys: this.#seenKeys.before(key, resources) },
      blind: blind && failureOf(blind),
      data: new Map([...known.values()].map((object) => [nameIn(object.kind ?? "", object.metadata.name), object])),
      tokenUnread: unseen.some(isToken),
      pods: this.#pods(owner, names),
    };
  }

  /** What a proxy referred to when it was last looked at; undefined: it was not yet. */
  referencesOf(proxy: string): References | undefined {
    return this.#references.get(proxy);
  }

  /** A proxy is gone. */
  forget(proxy: string): void {
    this.#references.delete(proxy);
    this.#contents.forget(proxy);
    this.#seenKeys.forget(proxy);
    this.#refusals.forget(proxy);
    this.#inForce.forget(proxy);
  }

  /** What may pass by itself is tried once more: until then it is as if nothing had been read. */
  #tell(proxy: string, failures: readonly Failure[]): void {
    const told = new Set(this.#refusals.told(proxy, failures));
    const untold = failures.find((failure) => !told.has(failure));
    if (untold !== undefined) throw untold.error;
  }

  #pods(owner: Owner, { base }: Names): PodsOfProxy {
    const { namespace } = owner;
    const deployment = this.#own.get("Deployment", namespace, base);
    const replicaSets = this.#cache.ofProxy("ReplicaSet", namespace, base);
    return podsOf(owner, deployment, replicaSets, this.#cache.ofProxy("Pod", namespace, base));
  }

  #ownData(owner: Owner, { admin, configPart, endpoints }: Names): (readonly [ContentKind, KubeObject])[] {
    const parts = Array.from({ length: PACKED.mostParts }, (_, part) => ["Secret", configPart(part)] as const);
    return [...parts, ["Secret", admin] as const, ["ConfigMap", endpoints] as const].flatMap(([kind, name]) => {
      const object = this.#own.get(kind, owner.namespace, name);
      return object === undefined || !belongsTo(owner, object) ? [] : [[kind, object] as const];
    });
  }

  #previous(
    key: string,
    owner: Owner,
    { configPart }: Names,
    known: ReadonlyMap<KubeObject, KubeObject>,
  ): Config | undefined {
    const secrets = new Map([...known.values()].map((object) => [object.metadata.name, object]));
    const parts = Array.from({ length: PACKED.mostParts }, (_, part) => secrets.get(configPart(part)));
    // What an earlier proxy of that name had in force is not this one's.
    return parts[0] === undefined || !isOf(owner, parts[0]) ? undefined : this.#inForce.read(key, parts.map(dataOf));
  }

  /** Secrets and ConfigMaps that are named or selected; never our own: a config made of itself would not come to rest. */
  #referred(namespace: string, references: References): (readonly [ContentKind, KubeObject])[] {
    const secrets =
      references.secretSelectors.length > 0
        ? this.#cache.inNamespace("Secret", namespace).filter((secret) => refersToSecret(references, secret))
        : [...references.secrets].flatMap((name) => this.#cache.get("Secret", namespace, name) ?? []);
    const configMaps = [...references.configMaps].flatMap(
      (name) => this.#cache.get("ConfigMap", namespace, name) ?? [],
    );
    return [
      ...secrets.map((secret) => ["Secret", secret] as const),
      ...configMaps.map((configMap) => ["ConfigMap", configMap] as const),
    ].filter(([, object]) => proxyLabelOf(object) === undefined);
  }

  #backends(namespace: string, { services }: References): KubeObject[] {
    return [...services].flatMap((service) => [
      ...[this.#cache.get("Service", namespace, service)].filter((it) => it !== undefined),
      ...this.#cache.slicesOf(namespace, service),
    ]);
  }

  #decode(object: KubeObject): readonly KubernetesObject[] {
    const known = this.#decoded.get(object);
    if (known !== undefined) return known;
    const { objects } = decode(object);
    this.#decoded.set(object, objects);
    return objects;
  }
}

/** Key of an object of ours within one proxy. */
export function nameIn(kind: string, name: string): string {
  return `${kind} ${name}`;
}

function failureOf({ kind, object, error }: UnreadObject): Failure {
  return { kind, name: object.metadata.name, error };
}

function unreadOf({ kind, object, error }: UnreadObject): Unread {
  const { namespace = "", name, labels = {} } = object.metadata;
  return { kind, metadata: { namespace, name, labels }, forbidden: error.status === 403, words: error.words };
}

function dataOf(object: KubeObject | undefined): SecretData | undefined {
  return (object as { readonly data?: SecretData } | undefined)?.data;
}
