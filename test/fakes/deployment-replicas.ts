import { REPLICAS_MANAGER } from "../../operator/kube/field-manager.ts";

/** A Deployment in the store of the fake. */
interface Scaled {
  readonly metadata: { readonly [field: string]: unknown };
  readonly spec?: { readonly replicas?: number };
}

/** Who owns `spec.replicas`, as entries of managedFields. */
function ownersOf(object: Scaled | undefined): readonly string[] {
  const fields = object?.metadata["managedFields"] as readonly { manager: string }[] | undefined;
  return (fields ?? []).map(({ manager }) => manager);
}

/** The entries of managedFields for writers of `spec.replicas`. */
export function managedBy(...managers: readonly string[]): readonly object[] {
  return managers.map((manager) => ({ manager, operation: "Apply", fieldsV1: { "f:spec": { "f:replicas": {} } } }));
}

/**
 * What server-side apply makes of the number of pods of a Deployment: a number that its only owner does not name any more
 * becomes 1. undefined: another writer has set another number, and the apply is not by force.
 */
export function appliedReplicas(
  before: Scaled | undefined,
  body: Scaled,
  manager: string,
  force: boolean,
): { readonly spec: object; readonly managedFields: readonly object[] } | undefined {
  const named = body.spec?.replicas;
  const known = before?.spec?.replicas;
  const others = ownersOf(before).filter((one) => one !== manager);
  const same = named === undefined || named === known;
  if (!same && others.length > 0 && !force) return undefined;
  const owners = [...(same ? others : []), ...(named === undefined ? [] : [manager])];
  const dropped = named === undefined && owners.length === 0 && ownersOf(before).length > 0;
  const replicas = named ?? (dropped ? 1 : (known ?? 1));
  const rest = manager === REPLICAS_MANAGER ? before?.spec : body.spec;
  return { spec: { ...rest, replicas }, managedFields: managedBy(...owners) };
}
