import type { Owner } from "./owner.ts";

export type Labels = Readonly<Record<string, string>>;

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

/** An object as it is to be, whole. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
}

/** The manifest of a kind: what stands in it beside its name is as Kubernetes' own types say. */
export type ManifestOf<T> = Manifest & Omit<T, "apiVersion" | "kind" | "metadata" | "status">;
