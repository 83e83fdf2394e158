import { isStatus } from "./api-error.ts";
import type { Caller } from "./call.ts";
import { KINDS, pathOf } from "./kinds.ts";

/** The fields of a Lease that an election uses. */
export interface LeaseSpec {
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number | null;
  readonly acquireTime?: string | null;
  readonly renewTime?: string | null;
  readonly leaseTransitions?: number | null;
}

/** A Lease of coordination.k8s.io/v1. */
export interface Lease {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly resourceVersion?: string };
  readonly spec?: LeaseSpec;
}

/** Where a Lease is, and the client that reads and writes it. */
export interface LeaseAt {
  readonly client: Caller;
  readonly namespace: string;
  readonly name: string;
}

/** When a call ends at the latest; `timeout` in ms. */
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

/** Updates the version `known` of a Lease, or creates it: of two processes that do so at once, one fails with 409. */
export function writeLease(
  { client, namespace, name }: LeaseAt,
  known: Lease | undefined,
  spec: LeaseSpec,
  bounds: Bounds,
): Promise<Lease> {
  const { apiVersion, kind } = KINDS.Lease;
  // The metadata goes back whole: a PUT without other writers' labels removes them, and the uid makes a Lease that was
  // created anew since a conflict.
  const metadata = known?.metadata ?? { namespace, name };
  return client.request<Lease>({
    method: known === undefined ? "POST" : "PUT",
    path: pathOf(KINDS.Lease, namespace, known === undefined ? undefined : name),
    body: { apiVersion, kind, metadata, spec },
    ...bounds,
  });
}
