import { Buffer } from "node:buffer";
import { ADMIN_TOKEN_KEY } from "../../api/meta.ts";
import { isOf } from "../watch/belonging.ts";
import { nameIn } from "../gather/config-in-force.ts";
import type { Gathered } from "../gather/gather.ts";
import type { KubeObject } from "../kube/kinds.ts";

/** 256 bits in base64url. Anything else came from another writer, and might be guessed. */
const FORM = /^[A-Za-z0-9_-]{43}$/;

/**
 * The admin token of a proxy: what its Secret holds, or a new one if there is no Secret, or if another writer made the
 * token. undefined: the Secret cannot be read now.
 */
export function adminToken(
  { owner, names, data, tokenUnreadable }: Gathered,
  newToken: () => string,
): string | undefined {
  if (tokenUnreadable) return undefined;
  const secret: (KubeObject & { readonly data?: Readonly<Record<string, string>> }) | undefined = data.get(
    nameIn("Secret", names.admin),
  );
  const token = Buffer.from(secret?.data?.[ADMIN_TOKEN_KEY] ?? "", "base64").toString("latin1");
  // Readers of an earlier proxy of that name may know its token.
  return secret !== undefined && isOf(owner, secret) && FORM.test(token) ? token : newToken();
}
