import type { V1Secret } from "@kubernetes/client-node";
import { ADMIN_TOKEN_KEY } from "../../api/meta.ts";
import type { ManifestOf } from "./manifest.ts";
import type { Packer } from "./packer.ts";
import type { Scope } from "./scope.ts";

/** The Secret with the token that the pods' admin port asks for: an account that may read it may use the admin port. */
export function adminSecret(token: string, scope: Scope, { base64 }: Packer): ManifestOf<V1Secret> {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: scope.metadata(scope.names.admin),
    type: "Opaque",
    data: { [ADMIN_TOKEN_KEY]: base64(token) },
  };
}
