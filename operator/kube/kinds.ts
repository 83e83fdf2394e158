/** A kind of object, with the names that make its path in the API. */
export interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
}

/** The part of every object that the operator reads. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly {
      readonly apiVersion?: string;
      readonly uid: string;
      readonly kind: string;
      readonly name: string;
      readonly controller?: boolean;
    }[];
  };
}

const of = (apiVersion: string, kind: string, plural: string): Kind => ({ apiVersion, kind, plural });

/** Every kind that the operator reads or writes: one row each. */
export const KINDS = {
  WebSocketProxy: of("wsproxy.dev/v1alpha1", "WebSocketProxy", "websocketproxies"),
  Secret: of("v1", "Secret", "secrets"),
  ConfigMap: of("v1", "ConfigMap", "configmaps"),
  Service: of("v1", "Service", "services"),
  ServiceAccount: of("v1", "ServiceAccount", "serviceaccounts"),
  Pod: of("v1", "Pod", "pods"),
  EndpointSlice: of("discovery.k8s.io/v1", "EndpointSlice", "endpointslices"),
  Deployment: of("apps/v1", "Deployment", "deployments"),
  ReplicaSet: of("apps/v1", "ReplicaSet", "replicasets"),
  PodDisruptionBudget: of("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
  NetworkPolicy: of("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
  MutatingWebhookConfiguration: of(
    "admissionregistration.k8s.io/v1",
    "MutatingWebhookConfiguration",
    "mutatingwebhookconfigurations",
  ),
  Lease: of("coordination.k8s.io/v1", "Lease", "leases"),
  Event: of("events.k8s.io/v1", "Event", "events"),
} as const;

/** Label of an EndpointSlice: the Service that it belongs to. */
export const SERVICE_NAME = "kubernetes.io/service-name";

export type KindName = keyof typeof KINDS;

/** The row of a kind's name; throws where there is none. */
export function kindOf(name: string): Kind {
  if (!Object.hasOwn(KINDS, name)) throw new Error(`the operator knows no kind ${name}`);
  return KINDS[name as KindName];
}

/** Allows no name that could lead to another path: dots alone, slashes, characters that a URL has to encode. */
const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

/** Path of a collection (without `namespace`: in all namespaces), or of one object in it. Throws for an illegal name. */
export function pathOf({ apiVersion, plural }: Kind, namespace?: string, name?: string): string {
  for (const part of [namespace, name]) {
    if (part !== undefined && !NAME.test(part))
      throw new Error(`${JSON.stringify(part)} cannot be the name of an object`);
  }
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const collection = namespace === undefined ? `${root}/${plural}` : `${root}/namespaces/${namespace}/${plural}`;
  return name === undefined ? collection : `${collection}/${name}`;
}

/** `namespace/name`. */
export function keyOf({ metadata: { namespace = "", name } }: KubeObject): string {
  return `${namespace}/${name}`;
}
