import { ApiError } from "../kube/api-error.ts";
import { kindOf, pathOf } from "../kube/kinds.ts";
import { FOREIGN, isObjectSpecific, type Failure } from "../refusals.ts";
import type { Manifest } from "../render/manifest.ts";

/** Acts on one object. An error about this object is added to `failures`; any other is thrown. */
export async function attempt(
  kind: string,
  name: string,
  failures: Failure[],
  signal: AbortSignal,
  act: () => Promise<void>,
): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (signal.aborted || !(error instanceof ApiError) || !isObjectSpecific(error)) throw error;
    failures.push({ kind, name, error });
  }
}

/** The error for an object that has the name of the manifest and belongs to another writer. */
export function foreign(manifest: Manifest): ApiError {
  const { kind, metadata } = manifest;
  const path = pathOf(kindOf(kind), metadata.namespace, metadata.name);
  const message = `there is an object of that name which is not this proxy's; remove or rename it`;
  return new ApiError({ method: "PATCH", path }, 0, FOREIGN, message);
}
