import { ADMIN_TOKEN_FILE, ADMIN_TOKEN_KEY } from "../../api/meta.ts";
import type { Manifest } from "../../operator/render/manifest.ts";

type Files = Readonly<Record<string, Uint8Array>>;

/** The files in the volume of a data plane pod: those of all its objects, in one folder. */
export function filesOf(objects: Iterable<Manifest>): Files {
  return Object.assign({}, ...[...objects].map(filesOfOne)) as Files;
}

/** Name → the rendered objects that the volume mounts. */
export function mounted(manifests: readonly Manifest[]): Map<string, Manifest> {
  const data = manifests.filter(({ kind }) => kind === "Secret" || kind === "ConfigMap");
  return new Map(data.map((object) => [object.metadata.name, object]));
}

function filesOfOne(object: Manifest): Files {
  const { data = {}, binaryData = {} } = object as { readonly data?: Entries; readonly binaryData?: Entries };
  const plain = object.kind === "ConfigMap" ? "utf8" : "base64";
  return {
    ...Object.fromEntries(Object.entries(data).map(([key, value]) => [fileOf(key), Buffer.from(value, plain)])),
    ...Object.fromEntries(Object.entries(binaryData).map(([key, value]) => [key, Buffer.from(value, "base64")])),
  };
}

/** The volume of a pod renames the key of the admin token. */
const fileOf = (key: string): string => (key === ADMIN_TOKEN_KEY ? ADMIN_TOKEN_FILE : key);

type Entries = Readonly<Record<string, string>>;
