import { isDeepStrictEqual } from "node:util";
import { KIND } from "../../api/meta.ts";
import { hasLabelsLeftOut, NUDGE } from "./brief-object.ts";
import { proxyLabelOf, serviceOf, type Cache, type WatchedKind } from "./cache.ts";
import { injectedLabelOf, proxyNameOf } from "./injected-pod.ts";
import { keyOf, type KubeObject } from "../kube/kinds.ts";
import { controllerOf, revisionOf } from "./own-pods.ts";
import { packer } from "../platform/packer.ts";
import { refersToSecret, type References } from "./references.ts";
import { namesOf } from "../render/names.ts";

/** What a proxy referred to in its last pass; undefined: it had no pass yet, and its first one is due. */
type KnownReferences = (proxy: string) => References | undefined;

/**
 * Finds the proxies that need a pass after an object changed: the proxy that it belongs to, and those that refer to it as
 * it is or as it was (a Secret may gain or lose the label by which a proxy selects it).
 */
export class Concerned {
  readonly #cache: Cache;
  readonly #references: KnownReferences;
  /** Value of the proxy label → name of the proxy: a pod has the label only. */
  readonly #labels = new Map<string, string>();

  constructor(cache: Cache, references: KnownReferences) {
    this.#cache = cache;
    this.#references = references;
  }

  /** `namespace/name` of each proxy that a change concerns. */
  by(kind: WatchedKind, now: KubeObject | undefined, before: KubeObject | undefined): ReadonlySet<string> {
    // A ReplicaSet changes with each pod that comes or goes, but only its Deployment, label and revision matter here.
    if (kind === "ReplicaSet" && now !== undefined && before !== undefined && isSameMaker(now, before))
      return new Set();
    // Users' pods change all the time in what is not retained of them.
    if (kind === "InjectedPod" && now !== undefined && before !== undefined && isSamePod(now, before)) return new Set();
    const states = [now, before].filter((state) => state !== undefined);
    const keys = new Set<string>();
    for (const object of states) {
      if (kind === KIND) {
        this.#learn(object);
        keys.add(keyOf(object));
        continue;
      }
      const owner = this.#ownerOf(kind, object);
      if (owner !== undefined) keys.add(owner);
      for (const key of this.#referring(kind, object)) keys.add(key);
    }
    return keys;
  }

  /** Forgets a proxy that is gone. */
  forget(proxy: string): void {
    const [namespace = "", name = ""] = proxy.split("/");
    this.#labels.delete(labelKey(namespace, namesOf(name, packer.hash).base));
  }

  #learn({ metadata: { namespace = "", name } }: KubeObject): void {
    this.#labels.set(labelKey(namespace, namesOf(name, packer.hash).base), name);
  }

  #ownerOf(kind: WatchedKind, object: KubeObject): string | undefined {
    const { namespace = "", ownerReferences = [] } = object.metadata;
    const label = proxyLabelOf(object);
    if (kind === "InjectedPod") return this.#proxyOf(object);
    const name =
      ownerReferences.find((one) => one.kind === KIND)?.name ??
      (label === undefined ? undefined : this.#labels.get(labelKey(namespace, label)));
    return name === undefined ? undefined : `${namespace}/${name}`;
  }

  /** Also of a proxy that is gone: its pods are to learn of it. */
  #proxyOf(pod: KubeObject): string | undefined {
    const { namespace = "" } = pod.metadata;
    const known = this.#labels.get(labelKey(namespace, injectedLabelOf(pod) ?? ""));
    const name = proxyNameOf(pod, known, packer.hash);
    return name === undefined ? undefined : `${namespace}/${name}`;
  }

  #referring(kind: WatchedKind, object: KubeObject): string[] {
    const refers = REFERS[kind];
    if (refers === undefined) return [];
    const proxies = this.#cache.inNamespace(KIND, object.metadata.namespace ?? "").map(keyOf);
    return proxies.filter((key) => {
      const references = this.#references(key);
      return references !== undefined && refers(references, object);
    });
  }
}

/** How a proxy refers to objects of each kind. */
const REFERS: { readonly [K in WatchedKind]?: (references: References, object: KubeObject) => boolean } = {
  // No proxy can tell whether it selects a Secret with too many labels: each has to say so.
  Secret: (references, secret) =>
    refersToSecret(references, secret) || (hasLabelsLeftOut(secret) && references.secretSelectors.length > 0),
  ConfigMap: ({ configMaps }, { metadata }) => configMaps.has(metadata.name),
  Service: ({ services }, { metadata }) => services.has(metadata.name),
  EndpointSlice: ({ services }, slice) => services.has(serviceOf(slice) ?? ""),
};

function isSameMaker(one: KubeObject, other: KubeObject): boolean {
  const [uid, label] = [controllerOf(one, "Deployment"), proxyLabelOf(one)];
  const same = uid === controllerOf(other, "Deployment") && label === proxyLabelOf(other);
  return same && revisionOf(one) === revisionOf(other);
}

/** Is all that is retained of two states of one pod the same, but for its version and what the operator wrote? */
function isSamePod(one: KubeObject, other: KubeObject): boolean {
  return isDeepStrictEqual(withoutNudge(one), withoutNudge(other));
}

function withoutNudge({ metadata, ...rest }: KubeObject): unknown {
  const annotations = { ...metadata.annotations, [NUDGE]: "" };
  return { ...rest, metadata: { ...metadata, resourceVersion: "", annotations } };
}

const labelKey = (namespace: string, label: string): string => `${namespace}/${label}`;
