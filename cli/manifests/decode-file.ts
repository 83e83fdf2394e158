import { decode, type KubernetesObject } from "../../operator/decode.ts";
import { parseManifests, type ParsedObject } from "./parse.ts";
import type { Finding, Place } from "./place.ts";

/** An object that the translation may look at, and where it stands. */
export interface Manifest {
  /** `Secret demo/chat-keys`: as problems name it. */
  readonly id: string;
  readonly object: KubernetesObject;
  readonly place: Place;
}

/** What one file holds. */
export interface DecodedFile {
  readonly manifests: readonly Manifest[];
  /** Empty: the file is good. */
  readonly findings: readonly Finding[];
  /** Objects that nothing here looks at; no mistake. */
  readonly ignored: readonly Finding[];
}

/** The text of a file → its objects, and every mistake that can be told without the other files. */
export function decodeFile(file: string, text: string): DecodedFile {
  const { objects, findings } = parseManifests(file, text);
  const parts = objects.map((object) => decodeObject(object));
  return {
    manifests: parts.flatMap((part) => part.manifests),
    findings: [...findings, ...parts.flatMap((part) => part.findings)],
    ignored: parts.flatMap((part) => part.ignored),
  };
}

function decodeObject({ value, place }: ParsedObject): DecodedFile {
  const { file, document } = place;
  const decoded = decode(value);
  const findings = decoded.problems.map(({ object, at, message }): Finding => {
    return { file, document, line: place.line(at), object, field: at, message };
  });
  const manifests = decoded.objects.map((object) => ({ id: idOf(object), object, place }));
  const nameless = manifests
    .filter(({ id }) => id.endsWith("/"))
    .map(({ id }): Finding => {
      const message = "is missing; write a name in lower case letters, digits, - and .";
      return { file, document, line: place.line("metadata"), object: id, field: "metadata.name", message };
    });
  const unknown = manifests.length === 0 && findings.length === 0;
  return {
    manifests: manifests.filter(({ id }) => !id.endsWith("/")),
    findings: [...findings, ...nameless],
    ignored: unknown ? [{ file, document, line: place.line(""), message: ignoredKind(value) }] : [],
  };
}

function ignoredKind({ apiVersion, kind }: ParsedObject["value"]): string {
  return `${String(apiVersion).slice(0, 100)} ${String(kind).slice(0, 100)} is not looked at here`;
}

function idOf(object: KubernetesObject): string {
  if (object.kind === "WebSocketProxy") return `${object.kind} ${object.namespace}/${object.name}`;
  const { namespace, name } = object.object.metadata;
  return `${object.kind} ${namespace}/${name}`;
}
