import { KIND } from "../../api/meta.ts";
import type { KubeObject } from "../kube/kinds.ts";
import type { Owner } from "../render/owner.ts";

/**
 * Is an object a proxy's, or what an earlier proxy of the same name left behind? Only such an object is ever written:
 * somebody else's may have one of our names.
 */
export function belongsTo(owner: Pick<Owner, "name">, { metadata }: KubeObject): boolean {
  return (metadata.ownerReferences ?? []).some(({ kind, name }) => kind === KIND && name === owner.name);
}

/** Is an object of this very proxy? */
export function isOf(owner: Pick<Owner, "uid">, { metadata }: KubeObject): boolean {
  return (metadata.ownerReferences ?? []).some(({ uid }) => uid === owner.uid);
}
