import { isStatus } from "./api-error.ts";
import type { Caller } from "./call.ts";
import { FIELD_MANAGER } from "./field-manager.ts";
import { kindOf, pathOf, type Kind, type KubeObject } from "./kinds.ts";

/** A manifest as a renderer makes it: whole, with its kind. */
export interface Manifest extends KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
}

/** Makes an object as the manifest says (server-side apply): fields that the manifest no longer names go away. */
export function apply(client: Caller, manifest: Manifest, signal: AbortSignal): Promise<KubeObject> {
  return patch(client, manifest, undefined, signal);
}

/** Writes the status alone, as its own apply. A resource that has gone meanwhile is no failure: undefined. */
export async function applyStatus(
  client: Caller,
  manifest: Manifest & { readonly status: unknown },
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  try {
    return await patch(client, manifest, "status", signal);
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}

/** Deletes an object if it is still the one that was meant. */
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
  manifest: Manifest,
  subresource: "status" | undefined,
  signal: AbortSignal,
): Promise<KubeObject> {
  const { namespace, name } = manifest.metadata;
  const path = pathOf(kindOf(manifest.kind), namespace, name);
  return client.request<KubeObject>({
    method: "PATCH",
    path: subresource === undefined ? path : `${path}/${subresource}`,
    query: { fieldManager: FIELD_MANAGER, force: true },
    contentType: "application/apply-patch+yaml", // JSON is YAML
    body: manifest,
    signal,
  });
}
