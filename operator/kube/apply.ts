import { isStatus } from "./api-error.ts";
import type { Caller } from "./call.ts";
import { FIELD_MANAGER } from "./field-manager.ts";
import { kindOf, pathOf, type Kind, type KubeObject } from "./kinds.ts";

/** An object that can be applied: all of its fields that we own, with its kind. */
export interface Applicable extends KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
}

/** In which name an apply writes. Without `force` the API server refuses (409) what another writer has set to another value. */
interface Applier {
  readonly fieldManager: string;
  readonly force: boolean;
}

const OURS: Applier = { fieldManager: FIELD_MANAGER, force: true };

/** Creates or changes an object (server-side apply). Fields of its applier's last apply that are not in this one are removed. */
export function apply(
  client: Caller,
  object: Applicable,
  signal: AbortSignal,
  applier: Applier = OURS,
): Promise<KubeObject> {
  return patch(client, object, undefined, signal, applier);
}

/** Applies only the status of an object; undefined: the object is gone. */
export async function applyStatus(
  client: Caller,
  object: Applicable & { readonly status: unknown },
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  try {
    return await patch(client, object, "status", signal, OURS);
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}

/** Deletes an object, unless it is gone or another one has its name (other uid) now. */
export async function remove(client: Caller, kind: Kind, object: KubeObject, signal: AbortSignal): Promise<void> {
  const { namespace, name, uid } = object.metadata;
  try {
    await client.request({
      method: "DELETE",
      path: pathOf(kind, namespace, name),
      body: { propagationPolicy: "Background", ...(uid === undefined ? {} : { preconditions: { uid } }) },
      signal,
    });
  } catch (error) {
    if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
  }
}

function patch(
  client: Caller,
  object: Applicable,
  subresource: "status" | undefined,
  signal: AbortSignal,
  applier: Applier,
): Promise<KubeObject> {
  const { namespace, name } = object.metadata;
  const path = pathOf(kindOf(object.kind), namespace, name);
  return client.request<KubeObject>({
    method: "PATCH",
    path: subresource === undefined ? path : `${path}/${subresource}`,
    query: { ...applier },
    contentType: "application/apply-patch+yaml", // JSON is YAML
    body: object,
    signal,
  });
}
