import { API_VERSION, KIND } from "../../api/meta.ts";
import { labelsOf, selectorOf } from "./labels.ts";
import type { Labels, Metadata } from "./manifest.ts";
import { namesOf, type Names } from "./names.ts";
import type { Owner } from "./owner.ts";

/** What all objects of one proxy have in common: names, labels, and metadata with the proxy as owner. */
export interface Scope {
  readonly names: Names;
  readonly labels: Labels;
  readonly selector: Labels;
  metadata(name: string, annotations?: Labels): Metadata;
}

/** The scope of a proxy; `hash` is `Packer.hash`. */
export function scopeOf({ namespace, name: proxy, uid }: Owner, hash: (text: string) => string): Scope {
  const names = namesOf(proxy, hash);
  const labels = labelsOf(names.base);
  const owner = { apiVersion: API_VERSION, kind: KIND, name: proxy, uid } as const;
  return {
    names,
    labels,
    selector: selectorOf(names.base),
    metadata: (name, annotations = {}) => ({
      name,
      namespace,
      labels,
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
    }),
  };
}
