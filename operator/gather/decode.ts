import { GROUP, KIND } from "../../api/meta.ts";
import * as kubernetes from "../../api/kubernetes-objects.ts";
import { objectName } from "../../api/names.ts";
import { read, type Problem, type Schema } from "../../api/problem.ts";
import { isRecord, record } from "../../api/unchecked.ts";
import { SERVICE_NAME } from "../kube/kinds.ts";
import { invalid, toConfigMap, toEndpointSlice, toSecret, toService, type Made } from "./decode-object.ts";
import { problemsInWords } from "./problems-in-words.ts";
import type { ConfigMap, EndpointSlice, Resources, Secret, Service, Undecoded } from "../translate/resources.ts";
import { nameInWords } from "../translate/read-proxy.ts";
import type { LocatedProblem } from "../translate/translation.ts";

/** An object that a translation can read. */
export type KubernetesObject =
  | ProxyObject
  | { readonly kind: "Secret"; readonly object: Secret }
  | { readonly kind: "ConfigMap"; readonly object: ConfigMap }
  | { readonly kind: "Service"; readonly object: Service }
  | { readonly kind: "EndpointSlice"; readonly object: EndpointSlice }
  | { readonly kind: "Undecoded"; readonly object: Undecoded };

/** A WebSocketProxy, not checked: the translation reports what is wrong with it. */
export interface ProxyObject {
  readonly kind: "WebSocketProxy";
  readonly namespace: string;
  readonly name: string;
  readonly manifest: unknown;
}

/** The object of a manifest, if it is of a kind that a translation reads; other kinds are left out without a problem. */
export interface Decoded {
  /** An object with problems still counts, but for the parts that they name. */
  readonly objects: readonly KubernetesObject[];
  readonly problems: readonly LocatedProblem[];
  /** The object in place of one that cannot be decoded at all, so that a translation can tell of it. */
  readonly undecoded?: Undecoded;
}

const NOTHING: Decoded = { objects: [], problems: [] };

/** One manifest, parsed from YAML or JSON → the object in it, or what is wrong with it. Never throws. */
export function decode(manifest: unknown): Decoded {
  if (!isRecord(manifest)) return failed("manifest", [invalid("is not a Kubernetes object", "")]);
  const { kind, apiVersion } = manifest;
  if (kind === KIND || (typeof apiVersion === "string" && apiVersion.startsWith(`${GROUP}/`)))
    return decodeProxy(manifest);
  if (typeof kind !== "string" || typeof apiVersion !== "string") {
    return failed("manifest", [invalid("names no apiVersion and kind; a Kubernetes object has both", "")]);
  }
  switch (`${apiVersion} ${kind}`) {
    case "v1 Secret":
      return decodeAs("Secret", kubernetes.secret, manifest, toSecret);
    case "v1 ConfigMap":
      return decodeAs("ConfigMap", kubernetes.configMap, manifest, toConfigMap);
    case "v1 Service":
      return decodeAs("Service", kubernetes.service, manifest, toService);
    case "discovery.k8s.io/v1 EndpointSlice":
      return decodeAs("EndpointSlice", kubernetes.endpointSlice, manifest, toEndpointSlice);
    default:
      return NOTHING;
  }
}

/** What the translation of one proxy may read: the objects of its own namespace, and no others. */
export function resourcesOf(proxy: ProxyObject, objects: readonly KubernetesObject[]): Resources {
  const inNamespace = <K extends Exclude<KubernetesObject["kind"], "WebSocketProxy">>(kind: K) =>
    objects.flatMap((it) =>
      it.kind === kind && it.object.metadata.namespace === proxy.namespace ? [it.object] : [],
    ) as Extract<KubernetesObject, { kind: K }>["object"][];
  return {
    proxy: proxy.manifest,
    secrets: inNamespace("Secret"),
    configMaps: inNamespace("ConfigMap"),
    services: inNamespace("Service"),
    endpointSlices: inNamespace("EndpointSlice"),
    undecoded: inNamespace("Undecoded"),
  };
}

function decodeProxy(manifest: Readonly<Record<string, unknown>>): Decoded {
  const { namespace, name } = record(manifest["metadata"]);
  const text = (value: unknown): string => (typeof value === "string" ? value.slice(0, 253) : "");
  const space = isAbsent(namespace) ? "default" : text(namespace);
  return { objects: [{ kind: KIND, namespace: space, name: text(name), manifest }], problems: [] };
}

/** A kind that a schema decodes. */
type DecodedKind = Undecoded["kind"];

function decodeAs<K extends DecodedKind, T>(
  kind: K,
  schema: Schema<T>,
  manifest: Readonly<Record<string, unknown>>,
  make: (object: T) => Made<Extract<KubernetesObject, { kind: K }>["object"]>,
): Decoded {
  const parsed = read(schema, manifest, "", "Invalid");
  if (!parsed.ok) return undecoded(kind, manifest, parsed.problems);
  const { object, problems = [] } = make(parsed.value);
  return {
    objects: [{ kind, object } as Extract<KubernetesObject, { kind: K }>],
    problems: failed(nameOf(kind, manifest), problems).problems,
  };
}

/** What is known of an object that cannot be decoded: its name, and the labels by which something may refer to it. */
function undecoded(
  kind: DecodedKind,
  manifest: Readonly<Record<string, unknown>>,
  problems: readonly Problem[],
): Decoded {
  const fields = record(manifest["metadata"]);
  const name = objectName.safeParse(fields["name"]).data;
  const failure = failed(nameOf(kind, manifest), problems);
  if (name === undefined) return failure;
  const labels = Object.entries(record(fields["labels"])).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  const namespace = isAbsent(fields["namespace"]) ? "default" : String(fields["namespace"]);
  const known = { namespace, name, labels: Object.fromEntries(labels) };
  const service = kind === "EndpointSlice" ? { service: new Map(labels).get(SERVICE_NAME) ?? "" } : {};
  return { ...failure, undecoded: { kind, metadata: known, words: problemsInWords(problems) ?? "", ...service } };
}

/** `Secret demo/chat-keys`, of a manifest that may be malformed. */
function nameOf(kind: string, manifest: Readonly<Record<string, unknown>>): string {
  const { namespace, name } = record(manifest["metadata"]);
  return `${kind} ${nameInWords(isAbsent(namespace) ? "default" : namespace)}/${nameInWords(name)}`;
}

/** As for Kubernetes, no namespace, null and an empty one are the same. */
const isAbsent = (namespace: unknown): boolean => namespace === undefined || namespace === null || namespace === "";

function failed(object: string, problems: readonly Problem[]): Decoded {
  return { objects: [], problems: problems.map((problem) => ({ ...problem, object })) };
}
