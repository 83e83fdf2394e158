import { GROUP, KIND } from "../../api/meta.ts";
import type { KubeObject } from "../kube/kinds.ts";
import type { Owner } from "../render/owner.ts";

/**
 * Does an object belong to this proxy, or to an earlier proxy of its name? The operator writes only such objects: another
 * writer's object may have one of our names.
 */
export function belongsTo(owner: Pick<Owner, "name">, { metadata }: KubeObject): boolean {
  return (metadata.ownerReferences ?? []).some(({ apiVersion = "", kind, name }) => {
    return kind === KIND && name === owner.name && apiVersion.startsWith(`${GROUP}/`);
  });
}

/** Does an object belong to this proxy, and not to an earlier one of its name? */
export function isOf(owner: Pick<Owner, "uid">, { metadata }: KubeObject): boolean {
  return (metadata.ownerReferences ?? []).some(({ uid }) => uid === owner.uid);
}
