import { fieldPath } from "../../api/problem.ts";
import type { ComposedText } from "./composed-text.ts";
import type { Place } from "./place.ts";
import { keysOf } from "./yaml-nodes.ts";

/** A mapping of a document, with where it stands; not yet known to be a Kubernetes object. */
export interface ParsedObject {
  readonly value: Readonly<Record<string, unknown>>;
  readonly place: Place;
}

/** Which document of which file. */
export interface Source {
  readonly file: string;
  /** Counted from 1. */
  readonly number: number;
  readonly text: ComposedText;
}

/** What can be no object, and where. */
export interface Wrong {
  readonly field: string;
  readonly message: string;
}

interface Found {
  readonly objects: readonly ParsedObject[];
  readonly wrong: readonly Wrong[];
}

/** The objects in a document, `kind: List` unpacked. */
export function objectsIn(document: unknown, source: Source): Found {
  return document === null ? { objects: [], wrong: [] } : objectsBelow(document, "", source);
}

function objectsBelow(value: unknown, root: string, source: Source): Found {
  const wrong = (field: string, message: string): Found => ({ objects: [], wrong: [{ field, message }] });
  if (!isMapping(value)) return wrong(root, "is not an object; write a mapping with apiVersion, kind, metadata");
  if (!isList(value)) return { objects: [{ value, place: placeOf(value, root, source) }], wrong: [] };
  const { items } = value;
  if (!Array.isArray(items)) return wrong(fieldPath(root, ["items"]), "must be a list of objects");
  const parts = items.map((item, index) => objectsBelow(item, fieldPath(root, ["items", index]), source));
  return { objects: parts.flatMap((part) => part.objects), wrong: parts.flatMap((part) => part.wrong) };
}

function placeOf(value: Readonly<Record<string, unknown>>, root: string, { file, number, text }: Source): Place {
  const { stringData } = value;
  const written = (field: string): string => {
    const [first, entry = ""] = keysOf(field);
    const plain = first === "data" && isMapping(stringData) && Object.hasOwn(stringData, entry);
    return plain ? fieldPath("stringData", [entry]) : field;
  };
  return {
    file,
    document: number,
    line: (field) => text.spot(number - 1, [...keysOf(root), ...keysOf(written(field))]).line,
    written,
  };
}

/** `kubectl get -o yaml` writes several objects as one. */
function isList(value: Readonly<Record<string, unknown>>): boolean {
  return value["apiVersion"] === "v1" && value["kind"] === "List";
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
