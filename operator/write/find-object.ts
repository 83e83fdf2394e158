import type { Caller } from "../kube/call.ts";
import { kindOf, pathOf, type KubeObject } from "../kube/kinds.ts";
import type { Manifest } from "../render/manifest.ts";

/**
 * The object with the name of a manifest, whichever writer made it: of some kinds the cache has only our own. A list of one
 * object needs no permission that the operator's watches do not need.
 */
export async function findObject(
  client: Caller,
  { kind, metadata: { name, namespace } }: Manifest,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const { items } = await client.request<{ readonly items: readonly KubeObject[] | null }>({
    path: pathOf(kindOf(kind), namespace),
    query: { fieldSelector: `metadata.name=${name}`, limit: 1 },
    accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
    signal,
  });
  return items?.find((item) => item.metadata.name === name);
}
