import { gunzipSync } from "node:zlib";
import type { Manifest } from "../../operator/render/manifest.ts";

/** A manifest for review: base64 is decoded, and gzip is replaced by its size. */
export function readable(manifest: Manifest): object {
  const { data, binaryData } = manifest as { readonly data?: Entries; readonly binaryData?: Entries };
  return {
    ...manifest,
    ...(data === undefined ? {} : { data: manifest.kind === "Secret" ? each(data, shown) : data }),
    ...(binaryData === undefined ? {} : { binaryData: each(binaryData, shown) }),
  };
}

/** The text that a config Secret or endpoints ConfigMap of one part holds. */
export function textIn(base64: string): string {
  return gunzipSync(Buffer.from(base64, "base64")).toString("utf8");
}

type Entries = Readonly<Record<string, string>>;

function each(entries: Entries, show: (key: string, value: string) => string): Entries {
  return Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, show(key, value)]));
}

function shown(key: string, value: string): string {
  if (!key.includes(".gz")) return Buffer.from(value, "base64").toString("utf8");
  return `gzip of ${Buffer.byteLength(textIn(value))} bytes, which are in config.yaml`;
}
