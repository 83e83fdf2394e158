import { INJECTED_LABEL, PROXY_LABEL } from "../../api/meta.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { briefOf } from "./brief-object.ts";
import { CollectionCopy } from "./collection-copy.ts";
import { injectedLabelOf } from "./injected-pod.ts";
import type { Watcher } from "../kube/call.ts";
import { keyOf, KINDS, SERVICE_NAME, type Kind, type KubeObject } from "../kube/kinds.ts";
import { Reflector } from "../kube/reflector.ts";
import { MANAGED } from "../render/labels.ts";

/** Label selector of the objects that the operator made, for any proxy. */
const OWN = Object.entries(MANAGED)
  .map(([label, value]) => `${label}=${value}`)
  .join(",");

/**
 * How each kind is watched: metadata only, since tenants write objects of any size and number; a pass reads what it needs of
 * them, within its budget. Pods are watched whole: a proxy has many, and their state, which is small, is retained.
 */
const WATCHED = {
  WebSocketProxy: { metadataOnly: true },
  Secret: { metadataOnly: true },
  ConfigMap: { metadataOnly: true },
  Service: { metadataOnly: true },
  EndpointSlice: { metadataOnly: true },
  ServiceAccount: { metadataOnly: true, labelSelector: OWN },
  NetworkPolicy: { metadataOnly: true, labelSelector: OWN },
  PodDisruptionBudget: { metadataOnly: true, labelSelector: OWN },
  Deployment: { metadataOnly: true, labelSelector: OWN },
  ReplicaSet: { metadataOnly: true, labelSelector: OWN },
  Pod: { labelSelector: OWN },
  /** Pods that users make and that got a data plane. */
  InjectedPod: { labelSelector: INJECTED_LABEL },
} as const;

export type WatchedKind = keyof typeof WATCHED;
/** The watched kinds that are kinds of Kubernetes. */
export type ObjectKind = Exclude<WatchedKind, "InjectedPod">;
export const WATCHED_KINDS = Object.keys(WATCHED) as WatchedKind[];

/** The kind of object that a watch shows. */
const kindOf = (kind: WatchedKind): Kind => KINDS[kind === "InjectedPod" ? "Pod" : kind];

/** Does the operator watch only its own objects of this kind? */
export function isOwnOnly(kind: WatchedKind): boolean {
  return "labelSelector" in WATCHED[kind];
}

/** What the cache watches, and which functions it calls on changes. */
export interface CacheOptions {
  readonly client: Watcher;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** undefined: all namespaces. */
  readonly namespaces: readonly string[] | undefined;
  /** Called when an object appeared (no `before`), changed or went away (no `now`), once the cache shows it. */
  readonly changed: (kind: WatchedKind, now: KubeObject | undefined, before: KubeObject | undefined) => void;
  /** Called before each list or watch of a kind that is not the first. */
  readonly restarted: (kind: WatchedKind) => void;
}

/** A copy of what the API server has, maintained by watches: which objects exist, in which version, and the state of pods. */
export class Cache {
  readonly #copies: Readonly<Record<WatchedKind, CollectionCopy>>;
  readonly #reflectors: readonly Reflector<KubeObject>[];

  constructor(options: CacheOptions) {
    const copies = WATCHED_KINDS.map((kind) => [kind, new CollectionCopy(GROUPS[kind] ?? groupsOf)] as const);
    this.#copies = Object.fromEntries(copies) as Record<WatchedKind, CollectionCopy>;
    this.#reflectors = WATCHED_KINDS.flatMap((kind) =>
      (options.namespaces ?? [undefined]).map((namespace) => this.#watch(kind, namespace, options)),
    );
  }

  /** Has every kind been listed once? */
  get synced(): boolean {
    return this.#reflectors.every((reflector) => reflector.synced);
  }

  get(kind: WatchedKind, namespace: string, name: string): KubeObject | undefined {
    return this.#copies[kind].get(namespace, name);
  }

  /** `namespace/name` of every object of a kind. */
  keys(kind: WatchedKind): readonly string[] {
    return this.#copies[kind].keys;
  }

  all(kind: WatchedKind): readonly KubeObject[] {
    return this.#copies[kind].all;
  }

  inNamespace(kind: WatchedKind, namespace: string): readonly KubeObject[] {
    return this.#copies[kind].in(namespaceGroup(namespace));
  }

  /** The objects that the operator made for the proxy with this label; the pods into which it put the proxy's data plane. */
  ofProxy(kind: WatchedKind, namespace: string, label: string): readonly KubeObject[] {
    return this.#copies[kind].in(proxyGroup(namespace, label));
  }

  /** The EndpointSlices of a Service. */
  slicesOf(namespace: string, service: string): readonly KubeObject[] {
    return this.#copies.EndpointSlice.in(serviceGroup(namespace, service));
  }

  /** Resolves when every kind has been listed once, or `run` has ended. */
  async whenSynced(): Promise<void> {
    await Promise.all(this.#reflectors.map((reflector) => reflector.whenSynced()));
  }

  /** Lists and watches until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#reflectors.map((reflector) => reflector.run(signal)));
  }

  #watch(kind: WatchedKind, namespace: string | undefined, options: CacheOptions): Reflector<KubeObject> {
    const { client, clock, random, log, changed, restarted } = options;
    const copy = this.#copies[kind];
    const reflector = new Reflector<KubeObject>({
      ...WATCHED[kind],
      kind: kindOf(kind),
      retain: briefOf,
      namespace,
      client,
      clock,
      random,
      log,
      changed: (now, before) => {
        const object = now ?? before;
        if (object === undefined) return;
        copy.changed(keyOf(object), now, before);
        changed(kind, now, before);
      },
      restarted: () => restarted(kind),
    });
    copy.add(namespace, reflector);
    return reflector;
  }
}

/** The Service of an EndpointSlice. */
export function serviceOf({ metadata }: KubeObject): string | undefined {
  return metadata.labels?.[SERVICE_NAME];
}

/** Value of the proxy label of an object that the operator made; undefined: it is not ours. */
export function proxyLabelOf({ metadata }: KubeObject): string | undefined {
  const labels = metadata.labels ?? {};
  return Object.entries(MANAGED).every(([label, value]) => labels[label] === value) ? labels[PROXY_LABEL] : undefined;
}

function groupsOf(object: KubeObject): readonly string[] {
  const { namespace = "" } = object.metadata;
  const proxy = proxyLabelOf(object);
  const service = serviceOf(object);
  return [
    namespaceGroup(namespace),
    ...(proxy === undefined ? [] : [proxyGroup(namespace, proxy)]),
    ...(service === undefined ? [] : [serviceGroup(namespace, service)]),
  ];
}

/** Of injected pods there may be thousands: no group without a use. */
const GROUPS: { readonly [K in WatchedKind]?: typeof groupsOf } = {
  InjectedPod: (pod) => [proxyGroup(pod.metadata.namespace ?? "", injectedLabelOf(pod) ?? "")],
};

const namespaceGroup = (namespace: string): string => namespace;
const proxyGroup = (namespace: string, label: string): string => `${namespace} proxy ${label}`;
const serviceGroup = (namespace: string, service: string): string => `${namespace} service ${service}`;
