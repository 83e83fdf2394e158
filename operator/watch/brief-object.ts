import { GROUP, KIND, PROXY_LABEL } from "../../api/meta.ts";
import type { Pod } from "./pod.ts";
import type { KindName, KubeObject } from "../kube/kinds.ts";
import { MANAGED } from "../render/labels.ts";
import { shortened } from "../shortened.ts";

/** A change of this annotation of a pod makes the kubelet bring the pod's volume up to date at once. */
export const NUDGE = `${GROUP}/config`;
const SERVICE_NAME = "kubernetes.io/service-name";

/** Labels by which an object belongs to something. */
const OWN_LABELS = [...Object.keys(MANAGED), PROXY_LABEL, SERVICE_NAME, "pod-template-hash"];
/** Labels of a Secret, in number and in characters: one that has more is found by no selector. */
export const MOST_LABELS = 64;
const LABEL_CHARACTERS = 8192;
/** Owners and finalizers of one object. */
const MOST_OWNERS = 8;
/** Longest words of Kubernetes about a pod; containers of a pod that are looked at. */
const LONGEST = 300;
const MOST_CONTAINERS = 16;

type Metadata = KubeObject["metadata"];

/**
 * What is kept of an object that is watched: what it is called, whose it is and which version it has, of a pod how it is,
 * too. Tenants write the rest, as much as etcd takes; what of it is needed is read when a pass needs it.
 */
export function briefOf(object: KubeObject): KubeObject {
  const { apiVersion = "", kind = "" } = object;
  const metadata = metadataOf(kind as KindName, object.metadata);
  return kind === "Pod" ? podOf({ ...object, metadata }) : { apiVersion, kind, metadata };
}

/** Metadata in a form whose size does not depend on what tenants write. */
export function metadataOf(kind: KindName, metadata: Metadata): Metadata {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp } = metadata;
  const { finalizers = [], labels = {}, annotations = {}, ownerReferences = [] } = metadata;
  const kept: Metadata = {
    name,
    ...defined({ namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp }),
    ...(finalizers.length === 0 ? {} : { finalizers: finalizersOf(finalizers) }),
    labels: kind === "Secret" && !isCrowded(labels) ? labels : some(labels, OWN_LABELS),
    ...(kind === "Pod" ? { annotations: some(annotations, [NUDGE]) } : {}),
    ...(ownerReferences.length === 0 ? {} : { ownerReferences: ownersOf(ownerReferences) }),
  };
  return kept;
}

function isCrowded(labels: Readonly<Record<string, string>>): boolean {
  const entries = Object.entries(labels);
  if (entries.length > MOST_LABELS) return true;
  return entries.reduce((sum, [key, value]) => sum + key.length + value.length, 0) > LABEL_CHARACTERS;
}

/** Some entries of a map, each of bounded length. */
export function some(map: Readonly<Record<string, string>>, keys: readonly string[]): Record<string, string> {
  const entries = keys.flatMap((key) => {
    const value = Object.hasOwn(map, key) ? map[key] : undefined;
    return value === undefined ? [] : [[key, shortened(value, LONGEST)] as const];
  });
  return Object.fromEntries(entries);
}

/** Those of Kubernetes itself first: by them it is told whether it sees to what belongs to the object. */
function finalizersOf(finalizers: readonly string[]): readonly string[] {
  const ofKubernetes = finalizers.filter((one) => OF_KUBERNETES.includes(one));
  return [...new Set([...ofKubernetes, ...finalizers.slice(0, MOST_OWNERS)])];
}

/** Finalizers by which Kubernetes itself deletes, or sets free, what belongs to an object. */
export const OF_KUBERNETES = ["foregroundDeletion", "orphan"];

type OwnerReference = NonNullable<Metadata["ownerReferences"]>[number];

/** Proxies first: by them it is told whose an object is. */
function ownersOf(owners: readonly OwnerReference[]): OwnerReference[] {
  const proxies = owners.filter(({ kind }) => kind === KIND);
  return [...new Set([...proxies, ...owners])].slice(0, MOST_OWNERS).map(ownerOf);
}

function ownerOf({ apiVersion, kind, name, uid, controller }: OwnerReference): OwnerReference {
  return { kind, name, uid, ...defined({ apiVersion, controller }) };
}

/** How a pod is, in few words. */
function podOf({ apiVersion, kind, metadata, status }: Pod): Pod {
  const { phase, podIP, conditions = [], containerStatuses = [] } = status ?? {};
  return {
    ...defined({ apiVersion, kind }),
    metadata,
    status: {
      ...defined({ phase, podIP }),
      conditions: conditions
        .filter(({ type }) => type === "Ready" || type === "PodScheduled")
        .slice(0, 2)
        .map(({ type, status: holds, reason, message }) => ({ type, status: holds, ...words({ reason, message }) })),
      containerStatuses: containerStatuses.slice(0, MOST_CONTAINERS).flatMap(({ state }) => {
        const waiting = state?.waiting;
        return waiting === undefined ? [] : [{ state: { waiting: words(waiting) } }];
      }),
    },
  };
}

function words({ reason, message }: { readonly reason?: string | undefined; readonly message?: string | undefined }): {
  readonly reason?: string;
  readonly message?: string;
} {
  const cut = (text: string | undefined): string | undefined => (text === undefined ? text : shortened(text, LONGEST));
  return defined({ reason: cut(reason), message: cut(message) });
}

function defined<T extends Readonly<Record<string, unknown>>>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
