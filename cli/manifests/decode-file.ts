import { quoted, read } from "../../api/problem.ts";
import { record } from "../../api/unchecked.ts";
import { metadata } from "../../api/websocket-proxy.ts";
import { decode, type KubernetesObject } from "../../operator/gather/decode.ts";
import { distance } from "../line/nearest.ts";
import { injectedPods, type InjectedPods } from "./injected-pods.ts";
import type { ParsedObject } from "./objects-in.ts";
import { parseManifests } from "./parse.ts";
import type { Finding, ObjectLocation } from "./location.ts";

/** An object that the translation may use, and where it stands in the files. */
export interface ManifestDocument {
  /** Its name in problems, such as `Secret demo/chat-keys`. */
  readonly id: string;
  readonly object: KubernetesObject;
  readonly location: ObjectLocation;
  /** The spec of a Service as it is written; absent: it is none. */
  readonly service?: Readonly<Record<string, unknown>>;
}

/** What one file holds. */
export interface DecodedFile {
  readonly manifests: readonly ManifestDocument[];
  /** Empty: the file is good. */
  readonly findings: readonly Finding[];
  /** Objects of kinds that the translation does not use; these are no mistakes. */
  readonly ignored: readonly Finding[];
  /** Pods that ask for a data plane. */
  readonly pods: readonly InjectedPods[];
}

/** A file without an object. */
export const NOTHING: DecodedFile = { manifests: [], findings: [], ignored: [], pods: [] };

/** The text of a file → its objects, and every mistake that can be found without the other files. */
export function decodeFile(file: string, text: string): DecodedFile {
  const { objects, findings } = parseManifests(file, text);
  const parts = objects.map((object) => decodeObject(object));
  return {
    manifests: parts.flatMap((part) => part.manifests),
    findings: [...findings, ...parts.flatMap((part) => part.findings)],
    ignored: parts.flatMap((part) => part.ignored),
    pods: parts.flatMap((part) => part.pods),
  };
}

function decodeObject({ value, location }: ParsedObject): DecodedFile {
  const { file, document } = location;
  const found = (object: string | undefined, field: string, message: string): Finding => {
    const subject = object === undefined ? {} : { object };
    return { file, document, line: location.line(field), ...subject, field, message };
  };
  const { objects, problems, undecoded } = decode(value);
  const findings = problems.map(({ object, at, message }) => found(object, at, message));
  const [object] = objects;
  if (object?.kind === "WebSocketProxy") {
    // An invalid name would make it another proxy, and the proxy that the user means would be removed.
    const named = read(metadata, value["metadata"], "metadata", "Invalid");
    if (!named.ok) findings.push(...named.problems.map(({ at, message }) => found(object.kind, at, message)));
  }
  if (object !== undefined) {
    // As in a cluster, what is wrong inside an object leaves the rest of it usable.
    const usable = findings.length === 0 || object.kind !== "WebSocketProxy";
    const service = object.kind === "Service" ? { service: record(value["spec"]) } : {};
    return { ...NOTHING, manifests: usable ? [{ id: idOf(object), object, location, ...service }] : [], findings };
  }
  if (findings.length > 0) {
    const known = undecoded && ({ kind: "Undecoded", object: undecoded } as const);
    const manifests = known === undefined ? [] : [{ id: idOf(known), object: known, location }];
    return { ...NOTHING, manifests, findings };
  }
  const pods = injectedPods(value, location);
  if (pods !== undefined) return { ...NOTHING, pods: [pods] };
  const kind = String(value["kind"]);
  const meant = misspelt(kind);
  if (meant === undefined) {
    const message = `${quoted(`${String(value["apiVersion"])} ${kind}`)} is not used here`;
    return { ...NOTHING, ignored: [found(undefined, "", message)] };
  }
  const message = `${quoted(kind)} is not known; did you mean ${meant}?`;
  return { ...NOTHING, findings: [found(undefined, "kind", message)] };
}

const KINDS = ["WebSocketProxy", "Secret", "ConfigMap", "Service", "EndpointSlice"];

/** The kind that was meant, where at most two letters are wrong. Kinds of other projects differ by more letters. */
function misspelt(kind: string): string | undefined {
  return KINDS.find((known) => known !== kind && distance(known.toLowerCase(), kind.toLowerCase()) <= 2);
}

function idOf(object: KubernetesObject): string {
  if (object.kind === "WebSocketProxy") return `${object.kind} ${object.namespace}/${object.name}`;
  const { namespace, name } = object.object.metadata;
  const id = `${object.kind} ${namespace}/${name}`;
  // Another object of that name may be well-formed, and then counts.
  return object.kind === "Undecoded" ? `${id} ${object.object.kind}` : id;
}
