import type { V1ConfigMap } from "@kubernetes/client-node";
import { PACKED } from "../../api/meta.ts";
import type { ManifestOf } from "./manifest.ts";
import type { Packed } from "./packer.ts";
import type { Scope } from "./scope.ts";

/** The endpoints of the backends, in an object of their own: a rollout of a backend rewrites only this one. */
export function endpointsConfigMap({ hash, parts: [data = ""] }: Packed, scope: Scope): ManifestOf<V1ConfigMap> {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: scope.metadata(scope.names.endpoints),
    data: { [PACKED.endpointsHash]: hash },
    binaryData: { [PACKED.endpoints]: data },
  };
}
