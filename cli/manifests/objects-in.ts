import { fieldPath } from "../../api/problem.ts";
import { isRecord } from "../../api/unchecked.ts";
import type { ComposedText } from "./composed-text.ts";
import type { ObjectLocation } from "./location.ts";
import { keysOf } from "./yaml-nodes.ts";

/** A mapping of a document and its location; nothing has checked yet that it is a Kubernetes object. */
export interface ParsedObject {
  readonly value: Readonly<Record<string, unknown>>;
  readonly location: ObjectLocation;
}

/** One document of one file. */
export interface DocumentSource {
  readonly file: string;
  /** Counted from 1. */
  readonly number: number;
  readonly text: ComposedText;
}

/** A value that cannot be an object: why, and in which field. */
export interface Wrong {
  readonly field: string;
  readonly message: string;
}

interface Found {
  readonly objects: readonly ParsedObject[];
  readonly wrong: readonly Wrong[];
}

/** The objects in a document; a `kind: List` gives its items. */
export function objectsIn(document: unknown, source: DocumentSource): Found {
  return document === null ? { objects: [], wrong: [] } : objectsBelow(document, "", source);
}

function objectsBelow(value: unknown, root: string, source: DocumentSource): Found {
  const wrong = (field: string, message: string): Found => ({ objects: [], wrong: [{ field, message }] });
  if (!isRecord(value)) return wrong(root, "is not an object; write a mapping with apiVersion, kind, metadata");
  if (!isList(value)) return { objects: [{ value, location: locationOf(value, root, source) }], wrong: [] };
  const { items } = value;
  if (!Array.isArray(items)) return wrong(fieldPath(root, ["items"]), "must be a list of objects");
  const parts = items.map((item, index) => objectsBelow(item, fieldPath(root, ["items", index]), source));
  return { objects: parts.flatMap((part) => part.objects), wrong: parts.flatMap((part) => part.wrong) };
}

function locationOf(
  value: Readonly<Record<string, unknown>>,
  root: string,
  { file, number, text }: DocumentSource,
): ObjectLocation {
  const { stringData } = value;
  const written = (field: string): string => {
    const [first, entry = ""] = keysOf(field);
    const plain = first === "data" && isRecord(stringData) && Object.hasOwn(stringData, entry);
    return plain ? fieldPath("stringData", [entry]) : field;
  };
  return {
    file,
    document: number,
    line: (field) => text.position(number - 1, [...keysOf(root), ...keysOf(written(field))]).line,
    written,
  };
}

/** `kubectl get -o yaml` writes several objects as one `v1 List`. */
function isList(value: Readonly<Record<string, unknown>>): boolean {
  return value["apiVersion"] === "v1" && value["kind"] === "List";
}
