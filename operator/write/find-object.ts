import type { Caller } from "../kube/call.ts";
import { kindOf, pathOf, type KubeObject } from "../kube/kinds.ts";

/** Which object is looked for. */
interface Named {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** Of an object, `metadata` brings its metadata alone. */
const METADATA_ONLY = { accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1" };

/**
 * The object with this name, as the API server has it, whichever writer made it: of some kinds the cache has only our own,
 * and of none the managedFields. A list of one object needs no permission that the operator's watches do not need.
 */
export async function findObject(
  client: Caller,
  { kind, metadata: { name, namespace } }: Named,
  part: "metadata" | "whole",
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const { items } = await client.request<{ readonly items?: readonly KubeObject[] | null }>({
    path: pathOf(kindOf(kind), namespace),
    query: { fieldSelector: `metadata.name=${name}`, limit: 1 },
    ...(part === "metadata" ? METADATA_ONLY : {}),
    signal,
  });
  return items?.find((item) => item.metadata.name === name);
}
