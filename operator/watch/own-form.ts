import { Buffer } from "node:buffer";
import { hashOf } from "../../runtime/packed-text.ts";
import { OBJECT_WEIGHT, type Form } from "./contents.ts";
import type { KubeObject } from "../kube/kinds.ts";

/** Of a longer value of our own data only the hash is retained. */
const LONG_VALUE = 4096;

/** One of our Secrets or ConfigMaps as JSON text, long values as hashes; the config in force is read from it. */
export const dataForm: Form<string> = {
  name: "data",
  of: (object) => {
    const text = JSON.stringify(withHashes(object));
    return { value: text, weight: OBJECT_WEIGHT + Buffer.byteLength(text) };
  },
};

/** The object with hashes in place of the long values of its data. */
export function withHashes<T extends object>(object: T): T {
  const { data, binaryData } = object as { readonly data?: Data; readonly binaryData?: Data };
  return {
    ...object,
    ...(data === undefined ? {} : { data: hashed(data) }),
    ...(binaryData === undefined ? {} : { binaryData: hashed(binaryData) }),
  };
}

/** Is the value a hash in place of a long value? */
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

/** The whole object; it is not retained. */
export const rawForm: Form<KubeObject> = {
  name: "raw",
  of: (object) => ({ value: object, weight: Number.POSITIVE_INFINITY }),
};

/** Retains one fact about an object: this version of it is as the manifest with this hash says. */
export function asApplied(hash: string): Form<true> {
  return { name: `as ${hash}`, of: () => ({ value: true, weight: OBJECT_WEIGHT }) };
}
