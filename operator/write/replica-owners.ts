import { FIELD_MANAGER, REPLICAS_MANAGER } from "../kube/field-manager.ts";
import { record } from "../kube/record.ts";
import type { KubeObject } from "../kube/kinds.ts";

/** Which writers own the number of pods of a Deployment (`managedFields`). */
export interface ReplicaOwners {
  /** Only the operator's main apply: without a second owner, an apply that leaves the number out resets it to 1. */
  readonly mainAlone: boolean;
  /** The writer other than the operator that wrote it last, such as `kube-controller-manager (subresource scale)`. */
  readonly other: string | undefined;
}

const NO_NAME = "a writer without a name";

interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly subresource: string;
  readonly time: string;
}

/** The owners of `spec.replicas`, as an object that was read with its managedFields shows them. */
export function replicaOwners({ metadata }: KubeObject): ReplicaOwners {
  const { managedFields } = metadata as { readonly managedFields?: unknown };
  const owners = (Array.isArray(managedFields) ? managedFields : []).map(record).filter(ownsReplicas).map(entryOf);
  const isMain = ({ manager, operation, subresource }: Entry): boolean =>
    manager === FIELD_MANAGER && operation === "Apply" && subresource === "";
  const [last] = owners
    .filter(({ manager }) => manager !== FIELD_MANAGER && manager !== REPLICAS_MANAGER)
    .toSorted((a, b) => (a.time < b.time ? 1 : -1));
  // A number that is set to 0 through the subresource has no owner: Kubernetes leaves the field out.
  const other = owners.length === 0 ? NO_NAME : last && nameOf(last);
  return { mainAlone: owners.length > 0 && owners.every(isMain), other };
}

function ownsReplicas({ fieldsV1 }: Readonly<Record<string, unknown>>): boolean {
  return Object.hasOwn(record(record(fieldsV1)["f:spec"]), "f:replicas");
}

function entryOf(entry: Readonly<Record<string, unknown>>): Entry {
  const text = (name: string): string => (typeof entry[name] === "string" ? entry[name] : "");
  return {
    manager: text("manager"),
    operation: text("operation"),
    subresource: text("subresource"),
    time: text("time"),
  };
}

function nameOf({ manager, subresource }: Entry): string {
  return subresource === "" ? manager : `${manager} (subresource ${subresource})`;
}
