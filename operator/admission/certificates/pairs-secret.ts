import { isStatus } from "../../kube/api-error.ts";
import type { Caller } from "../../kube/call.ts";
import { FIELD_MANAGER } from "../../kube/field-manager.ts";
import { KINDS, pathOf, type KubeObject } from "../../kube/kinds.ts";
import type { SecretData } from "./stored-pairs.ts";

/** The Secret as the API server sends it. */
export type PairsSecret = KubeObject & { readonly data?: unknown };

/** For one read; ms. */
export const READ_TIMEOUT = 5000;
/** Longest Secret that is read, in characters: answers up to this length need no turn of their own. */
const LARGEST_SECRET = 65_536;

/** The Secret; undefined: there is none. */
export function readSecret(
  client: Caller,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<PairsSecret | undefined> {
  const path = pathOf(KINDS.Secret, namespace, name);
  return orMissing(client.request<PairsSecret>({ path, most: LARGEST_SECRET, timeout: READ_TIMEOUT, signal }));
}

/** Makes the Secret; fails (409) where there is one by now. */
export async function createSecret(
  client: Caller,
  namespace: string,
  name: string,
  data: SecretData,
  signal: AbortSignal,
): Promise<void> {
  const { apiVersion, kind } = KINDS.Secret;
  await client.request({
    method: "POST",
    path: pathOf(KINDS.Secret, namespace),
    query: { fieldManager: FIELD_MANAGER },
    // The type never changes: cert-manager can take over a Secret of this one.
    body: { apiVersion, kind, metadata: { name, namespace }, type: "kubernetes.io/tls", data },
    signal,
  });
}

/** Changes fields of the Secret, and leaves the others; fails (409) if it is not the version that was read. */
export async function changeSecret(
  client: Caller,
  { metadata: { namespace, name, resourceVersion } }: PairsSecret,
  data: SecretData,
  signal: AbortSignal,
): Promise<void> {
  await client.request({
    method: "PATCH",
    path: pathOf(KINDS.Secret, namespace, name),
    query: { fieldManager: FIELD_MANAGER },
    contentType: "application/merge-patch+json",
    body: { metadata: { resourceVersion }, data },
    signal,
  });
}

/** The answer; undefined for a 404. */
export async function orMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}
