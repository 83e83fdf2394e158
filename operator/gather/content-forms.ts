import { Buffer } from "node:buffer";
import { DISABLED, EXPIRES_AT } from "../../api/meta.ts";
import { textSize } from "../../api/text-size.ts";
import type { ObjectMetadata } from "../../api/websocket-proxy.ts";
import { metadataOf, some } from "../watch/brief-object.ts";
import { OBJECT_WEIGHT, type Form } from "../watch/contents.ts";
import { decode } from "./decode.ts";
import { bytesOf, textOf } from "./decode-object.ts";
import type { KubeObject } from "../kube/kinds.ts";
import { LIGHT } from "../platform/load.ts";
import { tools } from "../platform/tools.ts";
import { packedKeys, unpackedKeys, weightOf, type PackedKeys } from "./packed-keys.ts";
import type { KeyEntry } from "../translate/resources.ts";
import { keyEntry } from "../translate/references/key-entries.ts";
import type { ConfigMap, EndpointSlice, Secret, Service } from "../translate/resources.ts";

/** A small WebSocketProxy as JSON text, which takes far less memory than the object; a large one as the object, not retained. */
export const manifestForm: Form<string | KubeObject> = {
  name: "manifest",
  of: ({ metadata, ...rest }) => {
    const { generation } = metadata;
    const brief = { ...metadataOf("WebSocketProxy", metadata), ...(generation === undefined ? {} : { generation }) };
    const whole = { ...rest, metadata: brief };
    if (textSize(whole, LIGHT) > LIGHT) return { value: whole, weight: Number.POSITIVE_INFINITY };
    const text = JSON.stringify(whole);
    return { value: text, weight: OBJECT_WEIGHT + Buffer.byteLength(text) };
  },
};

/** The fields of our Service that the status needs: its address. */
export const statusForm: Form<KubeObject> = {
  name: "status",
  of: (object) => {
    const { spec, status } = object as { readonly spec?: OwnSpec; readonly status?: OwnStatus };
    const value = {
      metadata: metadataOf("Service", object.metadata),
      spec: { ports: (spec?.ports ?? []).slice(0, 1).map(({ port }) => ({ port })) },
      status: { loadBalancer: { ingress: (status?.loadBalancer?.ingress ?? []).slice(0, 1) } },
    };
    return { value, weight: OBJECT_WEIGHT + textSize(value, Infinity) };
  },
};

interface OwnSpec {
  readonly ports?: readonly { readonly port: number }[];
}

interface OwnStatus {
  readonly loadBalancer?: { readonly ingress?: readonly { readonly hostname?: string; readonly ip?: string }[] };
}

/** The part of an object that a pass uses, and the size of the whole object; bytes. */
export interface Read<T> {
  readonly object: T;
  readonly size: number;
}

/** What a proxy needs of one Secret. */
export interface SecretNeed {
  /** Are its entries API keys? */
  readonly keys: boolean;
  /** Entries of which the proxy uses the values, sorted. */
  readonly entries: readonly string[];
}

/** A Secret as it is retained: of API keys only digests, and no value that the proxy does not use. */
export interface RetainedSecret {
  readonly secret: Omit<Secret, "keys">;
  readonly keys: PackedKeys | undefined;
  /** Entries in `keys`. */
  readonly count: number;
}

/** Entries that are not text and that problems can name; further ones are left out. */
const MOST_NOT_TEXT = 100;
/** Entries that cannot be keys and that problems can name: a Secret has room for 200,000 with empty values. */
const MOST_FAULTY = 1000;

/** Takes from a Secret what a proxy needs; of API keys the digests. */
export function secretForm({ keys, entries }: SecretNeed): Form<Read<RetainedSecret>> {
  return {
    name: JSON.stringify([keys, entries]),
    of: (object) => {
      const { type = "Opaque", data } = object as { readonly type?: string; readonly data?: Record<string, string> };
      const values = new Map<string, string>();
      const found: KeyEntry[] = [];
      const notText: string[] = [];
      const used = new Set(entries);
      let faulty = 0;
      for (const [name, encoded] of Object.entries(data ?? {})) {
        const named = used.has(name);
        if (!named && !keys) continue;
        const text = textOf(bytesOf(encoded));
        if (text === undefined) {
          if (named || notText.length < MOST_NOT_TEXT) notText.push(name);
          continue;
        }
        if (named) values.set(name, text);
        if (!keys || type !== "Opaque") continue;
        const entry = keyEntry(name, text, tools);
        faulty += entry.fault === undefined ? 0 : 1;
        if (entry.fault === undefined || faulty <= MOST_FAULTY) found.push(entry);
      }
      const secret = {
        metadata: contentMetadata("Secret", object),
        type,
        data: Object.fromEntries(values),
        notText,
      };
      const packed = keys ? packedKeys(found) : undefined;
      const weight = OBJECT_WEIGHT + textSize(secret, Infinity) + (packed === undefined ? 0 : weightOf(packed));
      return {
        value: { object: { secret, keys: packed, count: found.length }, size: textSize(object, Infinity) },
        weight,
      };
    },
  };
}

/** A retained Secret as a translation takes it. */
export function unpackedSecret({ secret, keys }: RetainedSecret): Secret {
  return keys === undefined ? secret : { ...secret, keys: unpackedKeys(keys) };
}

/** Takes the entries of a ConfigMap that a proxy uses. */
export function configMapForm(entries: readonly string[]): Form<Read<ConfigMap>> {
  return {
    name: JSON.stringify(entries),
    of: (object) => {
      const { data = {} } = object as { readonly data?: Readonly<Record<string, string>> };
      const used = entries.flatMap((name) => (Object.hasOwn(data, name) ? [[name, data[name] ?? ""] as const] : []));
      const value = { metadata: contentMetadata("ConfigMap", object), data: Object.fromEntries(used) };
      const size = textSize(object, Infinity);
      return { value: { object: value, size }, weight: OBJECT_WEIGHT + textSize(value, Infinity) };
    },
  };
}

/** A Service or EndpointSlice as a translation takes it; undefined: it is malformed. */
export const backendForm: Form<Read<Service | EndpointSlice | undefined>> = {
  name: "backend",
  of: (object) => {
    const [decoded] = decode({ ...object, metadata: metadataOf("Service", object.metadata) }).objects;
    const value = decoded?.kind === "Service" || decoded?.kind === "EndpointSlice" ? decoded.object : undefined;
    // Many objects with small values: in memory they take several times as much as their text.
    const weight = OBJECT_WEIGHT + 4 * textSize(value, Infinity);
    return { value: { object: value, size: textSize(object, Infinity) }, weight };
  },
};

/** Metadata for a translation: with the annotations of an API key's Secret, and without all others. */
function contentMetadata(kind: "Secret" | "ConfigMap", { metadata }: KubeObject): ObjectMetadata {
  const { name, namespace = "", uid = "", labels = {}, creationTimestamp = "" } = metadataOf(kind, metadata);
  const { annotations = {}, generation = 1 } = metadata;
  return {
    name,
    namespace,
    uid,
    labels,
    creationTimestamp,
    generation,
    annotations: some(annotations, [EXPIRES_AT, DISABLED]),
  };
}
