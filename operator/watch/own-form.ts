import { Buffer } from "node:buffer";
import { hashOf } from "../../runtime/packed-text.ts";
import type { Form } from "./contents.ts";
import type { KubeObject } from "../kube/kinds.ts";

/** Bytes of an object beside its text, about. */
const OBJECT = 512;
/** From this length on a value of our own data is known by its hash only. */
const LONG_VALUE = 4096;

/** Our own data as text, in which the config in force is found. */
export const dataForm: Form<string> = {
  name: "data",
  of: (object) => {
    const text = JSON.stringify(withHashes(object));
    return { value: text, weight: OBJECT + Buffer.byteLength(text) };
  },
};

/** The same object with hashes in the place of long values of its data. */
export function withHashes<T extends object>(object: T): T {
  const { data, binaryData } = object as { readonly data?: Data; readonly binaryData?: Data };
  return {
    ...object,
    ...(data === undefined ? {} : { data: hashed(data) }),
    ...(binaryData === undefined ? {} : { binaryData: hashed(binaryData) }),
  };
}

/** Is it the hash of a value that was too long to be kept? */
export function isHash(value: string): boolean {
  return value.startsWith(HASH);
}

const HASH = "sha256:";
type Data = Readonly<Record<string, string>>;

function hashed(data: Data): Data {
  const entries = Object.entries(data).map(([key, value]) => {
    return [key, value.length > LONG_VALUE && !isHash(value) ? HASH + hashOf(value) : value] as const;
  });
  return Object.fromEntries(entries);
}

/** An object whole, for one look: it is not kept. */
export const rawForm: Form<KubeObject> = {
  name: "raw",
  of: (object) => ({ value: object, weight: Number.POSITIVE_INFINITY }),
};

/** That an object is, in this version, as the manifest with this hash says. */
export function asApplied(hash: string): Form<true> {
  return { name: `as ${hash}`, of: () => ({ value: true, weight: OBJECT }) };
}
