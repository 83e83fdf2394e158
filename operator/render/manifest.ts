import type { Owner } from "./owner.ts";

/** Labels or annotations. */
export type Labels = Readonly<Record<string, string>>;

/** Metadata that the operator owns. */
export interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly annotations?: Labels;
  readonly ownerReferences: readonly OwnerReference[];
}

interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: Owner["uid"];
  readonly controller: true;
  readonly blockOwnerDeletion: true;
}

/** An object to apply: all of its fields that the operator owns. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
}

/** The manifest of a kind: its fields have the types of Kubernetes' client. */
export type ManifestOf<T> = Manifest & Omit<T, "apiVersion" | "kind" | "metadata" | "status">;
