import type { V1Secret } from "@kubernetes/client-node";
import { PACKED } from "../../api/meta.ts";
import type { ManifestOf } from "./manifest.ts";
import type { Packed, Packer } from "./packer.ts";
import type { Scope } from "./scope.ts";

/**
 * The rendered config, in as many Secrets as it takes. The first one names the hash and comes last: where a part is added,
 * the pods go on with what they have until it says otherwise.
 */
export function configSecrets({ hash, parts }: Packed, scope: Scope, { base64 }: Packer): ManifestOf<V1Secret>[] {
  const head = {
    [PACKED.configHash]: base64(hash),
    [PACKED.configParts]: base64(String(parts.length)),
  };
  const secrets = parts.map((data, part) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: scope.metadata(scope.names.configPart(part)),
    type: "Opaque",
    data: { [PACKED.configPart(part)]: data, ...(part === 0 ? head : {}) },
  }));
  return secrets.reverse();
}
