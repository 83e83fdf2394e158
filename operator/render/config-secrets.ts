import type { V1Secret } from "@kubernetes/client-node";
import { PACKED } from "../../api/meta.ts";
import type { Labels, ManifestOf } from "./manifest.ts";
import type { Packed, Packer } from "./packer.ts";
import type { Scope } from "./scope.ts";

/**
 * The rendered config, in as many Secrets as it needs. The one of part 0 has the hash and the annotations, and is written
 * last: until then pods see the old hash, and serve the config that they have.
 */
export function configSecrets(
  { hash, parts }: Packed,
  annotations: Labels,
  scope: Scope,
  { base64 }: Packer,
): ManifestOf<V1Secret>[] {
  const hashAndCount = {
    [PACKED.configHash]: base64(hash),
    [PACKED.configParts]: base64(String(parts.length)),
  };
  const secrets = parts.map((data, part) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: scope.metadata(scope.names.configPart(part), part === 0 ? annotations : {}),
    type: "Opaque",
    data: { [PACKED.configPart(part)]: data, ...(part === 0 ? hashAndCount : {}) },
  }));
  return secrets.reverse();
}
