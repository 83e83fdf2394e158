import { Buffer } from "node:buffer";
import type { AdmissionResponse } from "../../operator/admission/response.ts";

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

/** The operations of an answer, as the API server reads them; none: the pod stays as it is. */
export function patchOf({ patch, patchType }: AdmissionResponse): Operation[] {
  if (patch === undefined) return [];
  if (patchType !== "JSONPatch") throw new Error("a patch without its type");
  return JSON.parse(Buffer.from(patch, "base64").toString("utf8")) as Operation[];
}

/** A copy of a document with a JSON Patch applied, as strictly as RFC 6902 §4 says: what a path names must be there. */
export function patched<T>(document: T, operations: readonly Operation[]): T {
  const copy = structuredClone(document);
  for (const { op, path, value } of operations) {
    if (!/^(\/([^~/]|~[01])*)+$/.test(path)) throw new Error(`${path} is no JSON Pointer below the root`);
    const steps = path
      .slice(1)
      .split("/")
      .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = steps.pop() ?? "";
    const parent = steps.reduce<unknown>((at, step) => child(at, step, path), copy);
    if (Array.isArray(parent)) editList(parent, op, last, structuredClone(value), path);
    else editObject(parent, op, last, structuredClone(value), path);
  }
  return copy;
}

function child(at: unknown, step: string, path: string): unknown {
  if (typeof at !== "object" || at === null || !Object.hasOwn(at, step))
    throw new Error(`${path}: there is no ${step}`);
  return (at as Record<string, unknown>)[step];
}

function editList(list: unknown[], op: string, last: string, value: unknown, path: string): void {
  const at = last === "-" && op === "add" ? list.length : Number(last);
  const most = op === "add" ? list.length : list.length - 1;
  if ((!/^(0|[1-9]\d*)$/.test(last) && last !== "-") || !(at <= most)) throw new Error(`${path}: no such item`);
  if (op === "add") list.splice(at, 0, value);
  else if (op === "remove") list.splice(at, 1);
  else if (op === "replace") list[at] = value;
  else throw new Error(`unknown operation ${op}`);
}

function editObject(object: unknown, op: string, last: string, value: unknown, path: string): void {
  if (typeof object !== "object" || object === null) throw new Error(`${path}: its parent is no object`);
  const fields = object as Record<string, unknown>;
  if (op !== "add" && !Object.hasOwn(fields, last)) throw new Error(`${path}: there is no ${last}`);
  if (op === "remove") delete fields[last];
  else if (op === "add" || op === "replace") fields[last] = value;
  else throw new Error(`unknown operation ${op}`);
}
