import {
  GROUP,
  INJECT_LABEL,
  INJECTED_LABEL,
  KIND,
  OWN_PRE_STOP_ANNOTATION,
  PROXY_LABEL,
  SHAPE_ANNOTATION,
  SIDECAR,
  USE_LABEL,
} from "../../api/meta.ts";
import { adminPortIn, type PodSpec } from "./injected-pod.ts";
import type { Container, Ended, Pod } from "./pod.ts";
import { SERVICE_NAME, type KindName, type KubeObject } from "../kube/kinds.ts";
import { MANAGED } from "../render/labels.ts";
import type { Labels } from "../render/manifest.ts";
import { LARGEST_SIDECAR_RECORD } from "../../api/sidecar-shape.ts";
import { SIDECAR_RECORD } from "../render/sidecar-record.ts";
import { shortened } from "../shortened.ts";

/** When this annotation of a pod changes, the kubelet updates the pod's volumes at once. */
export const NUDGE = `${GROUP}/config`;

/** The Deployment controller counts the shapes of pods here: the ReplicaSet with the highest number has the newest one. */
export const REVISION = "deployment.kubernetes.io/revision";
/** The annotations that are retained, by kind. */
const OWN_ANNOTATIONS: { readonly [K in KindName]?: readonly string[] } = {
  Pod: [NUDGE, SHAPE_ANNOTATION, OWN_PRE_STOP_ANNOTATION],
  ReplicaSet: [REVISION],
  Deployment: [REVISION],
};

/** The labels that are retained of an object: they say to which proxy, Service or ReplicaSet it belongs. */
const OWN_LABELS = [
  ...Object.keys(MANAGED),
  ...[PROXY_LABEL, INJECT_LABEL, INJECTED_LABEL, SERVICE_NAME, "pod-template-hash"],
];
/** Most labels of a Secret, and most characters of them: no selector finds a Secret that has more. */
export const MOST_LABELS = 64;
const LABEL_CHARACTERS = 8192;
/** Labels of our group that are retained of such a Secret: beside USE_LABEL: they show that it is meant for us. */
const MOST_OF_GROUP = 8;
/** Annotation that the cache gives such a Secret. No object of Kubernetes has it: its key is not legal. */
const LABELS_LEFT_OUT = `${GROUP}/labels left out`;
/** Owners, and finalizers, that are retained of one object. */
const MOST_OWNERS = 8;
/** Characters that are retained of a reason or message of a pod; containers of a pod that are retained. */
const LONGEST_TEXT = 300;
const MOST_CONTAINERS = 16;

type Metadata = KubeObject["metadata"];

/**
 * What the cache retains of an object: its name, its owners, its version and, of a pod, its state. Tenants write the rest,
 * as much as etcd takes; a pass reads what it needs of that.
 */
export function briefOf(object: KubeObject): KubeObject {
  const { apiVersion = "", kind = "" } = object;
  const metadata = metadataOf(kind as KindName, object.metadata);
  return kind === "Pod" ? podOf({ ...object, metadata }) : { apiVersion, kind, metadata };
}

/** Metadata of bounded size, whatever tenants write. */
export function metadataOf(kind: KindName, metadata: Metadata): Metadata {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp } = metadata;
  const { finalizers = [], ownerReferences = [] } = metadata;
  const [labels, annotations] = [metadata.labels ?? {}, metadata.annotations ?? {}];
  const crowded = kind === "Secret" && (hasLabelsLeftOut({ metadata }) || isCrowded(labels));
  return {
    name,
    ...defined({ namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp }),
    ...(finalizers.length === 0 ? {} : { finalizers: finalizersOf(finalizers) }),
    labels: kind === "Secret" && !crowded ? labels : some(labels, crowded ? labelsToRetain(labels) : OWN_LABELS),
    ...(crowded ? { annotations: { [LABELS_LEFT_OUT]: "true" } } : {}),
    ...(kind === "Secret" && !crowded ? recordOf(labels, annotations) : {}),
    ...(OWN_ANNOTATIONS[kind] === undefined ? {} : { annotations: some(annotations, OWN_ANNOTATIONS[kind]) }),
    ...(ownerReferences.length === 0 ? {} : { ownerReferences: ownersOf(ownerReferences) }),
  };
}

/**
 * Of our config Secrets the record of mode Sidecar, from which every replica answers for new pods. No operator writes a
 * longer one: it is dropped, since a part of it says nothing.
 */
function recordOf(labels: Labels, annotations: Labels): Pick<Metadata, "annotations"> {
  const isOurs = Object.entries(MANAGED).every(([key, value]) => labels[key] === value);
  const record = isOurs && Object.hasOwn(annotations, SIDECAR_RECORD) ? (annotations[SIDECAR_RECORD] ?? "") : "";
  if (record === "" || record.length > LARGEST_SIDECAR_RECORD) return {};
  return { annotations: { [SIDECAR_RECORD]: record } };
}

/** Has the Secret so many labels that most of them are not retained? No selector finds it, since its labels are not known. */
export function hasLabelsLeftOut({ metadata }: Pick<KubeObject, "metadata">): boolean {
  return Object.hasOwn(metadata.annotations ?? {}, LABELS_LEFT_OUT);
}

/** Why no selector finds such a Secret, in words for the status. */
export const LABELS_LEFT_OUT_WORDS = `has more than ${MOST_LABELS} labels, or more than ${LABEL_CHARACTERS} characters of labels, so no selector finds it; remove some`;

function labelsToRetain(labels: Readonly<Record<string, string>>): readonly string[] {
  const ofGroup = Object.keys(labels).filter((key) => key.startsWith(`${GROUP}/`));
  return [...OWN_LABELS, USE_LABEL, ...ofGroup.sort().slice(0, MOST_OF_GROUP)];
}

function isCrowded(labels: Readonly<Record<string, string>>): boolean {
  const entries = Object.entries(labels);
  if (entries.length > MOST_LABELS) return true;
  return entries.reduce((sum, [key, value]) => sum + key.length + value.length, 0) > LABEL_CHARACTERS;
}

/** The entries of a map with these keys, each value cut at LONGEST_TEXT characters. */
export function some(map: Readonly<Record<string, string>>, keys: readonly string[]): Record<string, string> {
  const entries = keys.flatMap((key) => {
    const value = Object.hasOwn(map, key) ? map[key] : undefined;
    return value === undefined ? [] : [[key, shortened(value, LONGEST_TEXT)] as const];
  });
  return Object.fromEntries(entries);
}

/** Kubernetes' own finalizers come first: they say whether Kubernetes deletes what belongs to the object. */
function finalizersOf(finalizers: readonly string[]): readonly string[] {
  const ofKubernetes = finalizers.filter((one) => OF_KUBERNETES.includes(one));
  return [...new Set([...ofKubernetes, ...finalizers.slice(0, MOST_OWNERS)])];
}

/** With these finalizers Kubernetes itself deletes what belongs to an object, or takes its owner away. */
export const OF_KUBERNETES = ["foregroundDeletion", "orphan"];

type OwnerReference = NonNullable<Metadata["ownerReferences"]>[number];

/** Proxies come first: they say to which proxy an object belongs. */
function ownersOf(owners: readonly OwnerReference[]): OwnerReference[] {
  const proxies = owners.filter(({ kind }) => kind === KIND);
  return [...new Set([...proxies, ...owners])].slice(0, MOST_OWNERS).map(ownerOf);
}

function ownerOf({ apiVersion, kind, name, uid, controller }: OwnerReference): OwnerReference {
  return { kind, name, uid, ...defined({ apiVersion, controller }) };
}

/** The state of a pod, of bounded size. */
function podOf(pod: Pod & { readonly spec?: PodSpec }): Pod {
  const { apiVersion, kind, metadata, status } = pod;
  const adminPort = adminPortIn(pod.spec ?? {});
  if (adminPort !== undefined) return injectedPodOf(pod, adminPort);
  const { phase, podIP, reason, message, conditions = [] } = status ?? {};
  const { containerStatuses = [], initContainerStatuses = [] } = status ?? {};
  const containers = containerStatuses.slice(0, MOST_CONTAINERS);
  const first = initContainerStatuses.slice(0, MOST_CONTAINERS - containers.length);
  return {
    ...defined({ apiVersion, kind }),
    metadata,
    status: {
      ...defined({ phase, podIP }),
      ...words({ reason, message }),
      conditions: conditions
        .filter(({ type }) => type === "Ready" || type === "PodScheduled")
        .slice(0, 2)
        .map(({ type, status: holds, reason: why, message: said }) => {
          return { type, status: holds, ...words({ reason: why, message: said }) };
        }),
      containerStatuses: containers.flatMap(containerOf),
      ...(first.length === 0 ? {} : { initContainerStatuses: first.flatMap(containerOf) }),
    },
  };
}

/** There may be thousands of injected pods, and only the data plane's container in them is ours. */
function injectedPodOf({ apiVersion, kind, metadata, status }: Pod, adminPort: number): Pod {
  const { phase, podIP, conditions = [], initContainerStatuses = [] } = status ?? {};
  const ready = conditions.find(({ type }) => type === "Ready")?.status;
  const sidecar = initContainerStatuses.filter(({ name }) => name === SIDECAR.container).flatMap(containerOf);
  return {
    ...defined({ apiVersion, kind }),
    metadata,
    adminPort,
    status: {
      ...defined({ phase, podIP }),
      ...(ready === undefined ? {} : { conditions: [{ type: "Ready", status: ready }] }),
      ...(sidecar.length === 0 ? {} : { initContainerStatuses: sidecar.slice(0, 1) }),
    },
  };
}

/** A container that runs and never ended says nothing: it is not retained. */
function containerOf({ name, restartCount = 0, state, lastState }: Container): Container[] {
  const { waiting, terminated } = state ?? {};
  if (waiting === undefined && terminated === undefined && restartCount === 0) return [];
  const last = lastState?.terminated;
  return [
    {
      ...defined({ name: name === undefined ? name : shortened(name, LONGEST_TEXT) }),
      ...(restartCount === 0 ? {} : { restartCount }),
      state: {
        ...(waiting === undefined ? {} : { waiting: words(waiting) }),
        ...(terminated === undefined ? {} : { terminated: endedOf(terminated) }),
      },
      ...(last === undefined ? {} : { lastState: { terminated: endedOf(last) } }),
    },
  ];
}

function endedOf({ reason, exitCode, finishedAt }: Ended): Ended {
  return { ...words({ reason }), ...defined({ exitCode, finishedAt }) };
}

function words({ reason, message }: { readonly reason?: string | undefined; readonly message?: string | undefined }): {
  readonly reason?: string;
  readonly message?: string;
} {
  const cut = (text: string | undefined): string | undefined =>
    text === undefined ? text : shortened(text, LONGEST_TEXT);
  return defined({ reason: cut(reason), message: cut(message) });
}

function defined<T extends Readonly<Record<string, unknown>>>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
