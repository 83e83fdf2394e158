import { isStatus } from "./api-error.ts";
import type { Caller } from "./call.ts";
import { KINDS, pathOf } from "./kinds.ts";

/** What a Lease says, as far as an election looks at it. */
export interface LeaseSpec {
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number | null;
  readonly acquireTime?: string | null;
  readonly renewTime?: string | null;
  readonly leaseTransitions?: number | null;
}

export interface Lease {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly resourceVersion?: string };
  readonly spec?: LeaseSpec;
}

/** Where a Lease is, and how to call for it. */
export interface LeaseAt {
  readonly client: Caller;
  readonly namespace: string;
  readonly name: string;
}

/** Bounds of a call. */
export interface Bounds {
  readonly signal?: AbortSignal;
  readonly timeout: number;
}

/** The Lease; undefined where there is none. */
export async function readLease({ client, namespace, name }: LeaseAt, bounds: Bounds): Promise<Lease | undefined> {
  try {
    return await client.request<Lease>({ path: pathOf(KINDS.Lease, namespace, name), ...bounds });
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}

/** Writes a Lease on the version that was seen, or makes it: of two processes that do so at a time one fails with 409. */
export function writeLease(
  { client, namespace, name }: LeaseAt,
  known: Lease | undefined,
  spec: LeaseSpec,
  bounds: Bounds,
): Promise<Lease> {
  const { apiVersion, kind } = KINDS.Lease;
  // The whole metadata goes back, labels of others and the uid included: a Lease made anew meanwhile is a conflict.
  const metadata = known?.metadata ?? { namespace, name };
  return client.request<Lease>({
    method: known === undefined ? "POST" : "PUT",
    path: pathOf(KINDS.Lease, namespace, known === undefined ? undefined : name),
    body: { apiVersion, kind, metadata, spec },
    ...bounds,
  });
}
