import { list as items, record } from "../../api/unchecked.ts";
import { isStatus } from "../../operator/kube/api-error.ts";
import { list } from "../../operator/kube/collection.ts";
import { KINDS, pathOf, SERVICE_NAME, type KubeObject } from "../../operator/kube/kinds.ts";
import { clusterFailure } from "../live/cluster/cluster-failures.ts";
import type { ClusterTarget } from "../live/cluster/cluster-target.ts";
import { failureIn, type LiveFailure } from "../live/live-failure.ts";
import type { BackendService } from "./proxy-facts.ts";

/** A Service of the routes, with its endpoints. */
export interface BackendFacts extends BackendService {
  /** `NoService`: there is none of that name. `ByName`: it leads to a name outside, so it has no endpoints. */
  readonly state: "Endpoints" | "NoService" | "ByName";
  readonly ready: number;
  readonly all: number;
}

export interface Backends {
  readonly backends: readonly BackendFacts[];
  /** Why the endpoints of some are not known: the first failure. */
  readonly failure?: LiveFailure;
  /** Services that were not looked at. */
  readonly more: number;
}

/** Services of which the endpoints are looked at. */
export const MOST_SERVICES = 100;
/** Services that are asked about at the same time. */
const AT_ONCE = 8;

/** Counts the endpoints of the Services. */
export async function backendFacts(
  target: ClusterTarget,
  services: readonly BackendService[],
  signal: AbortSignal,
): Promise<Backends> {
  const found: BackendFacts[] = [];
  const looked = new Map<string, Promise<Omit<BackendFacts, keyof BackendService>>>();
  let failure: LiveFailure | undefined;
  const waiting = services.slice(0, MOST_SERVICES).values();
  const worker = async (): Promise<void> => {
    for (const one of waiting) {
      if (failure !== undefined) return;
      try {
        const known = looked.get(one.service) ?? endpointsOf(target, one.service, signal);
        looked.set(one.service, known);
        found.push({ ...one, ...(await known) });
      } catch (error) {
        failure ??= failureIn(error);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const place = (one: BackendFacts): string => `${one.service} ${one.port}`;
  return {
    backends: found.toSorted((one, other) => (place(one) < place(other) ? -1 : 1)),
    ...(failure === undefined ? {} : { failure }),
    more: Math.max(0, services.length - MOST_SERVICES),
  };
}

/** An address in two slices counts once. */
async function endpointsOf(
  target: ClusterTarget,
  service: string,
  signal: AbortSignal,
): Promise<Omit<BackendFacts, keyof BackendService>> {
  const { client, namespace } = target;
  const labelSelector = `${SERVICE_NAME}=${service}`;
  // A spec that is not accepted may name what cannot be the name of a Service.
  if (!SERVICE.test(service)) return { state: "NoService", ready: 0, all: 0 };
  const slices = await list<Slice>(client, { kind: KINDS.EndpointSlice, namespace, labelSelector }, signal).catch(
    (error: unknown) => {
      throw clusterFailure(error, { verbs: ["list"], resource: "endpointslices", namespace });
    },
  );
  if (slices.items.length === 0) return { state: await stateWithoutSlices(target, service, signal), ready: 0, all: 0 };
  const addresses = new Map<string, boolean>();
  for (const { endpoints } of slices.items) {
    for (const endpoint of items(endpoints)) {
      const fields = record(endpoint);
      const { ready, terminating } = record(fields["conditions"]);
      const takes = ready !== false && terminating !== true;
      for (const address of items(fields["addresses"])) {
        if (typeof address === "string") addresses.set(address, takes || addresses.get(address) === true);
      }
    }
  }
  return { state: "Endpoints", ready: [...addresses.values()].filter(Boolean).length, all: addresses.size };
}

const SERVICE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

type Slice = KubeObject & { readonly endpoints?: unknown };
type Service = KubeObject & { readonly spec?: { readonly type?: string } };

/** A right on Services is not needed, so it is only asked to say more. */
async function stateWithoutSlices(
  { client, namespace }: ClusterTarget,
  service: string,
  signal: AbortSignal,
): Promise<BackendFacts["state"]> {
  try {
    const { spec } = await client.request<Service>({ path: pathOf(KINDS.Service, namespace, service), signal });
    return spec?.type === "ExternalName" ? "ByName" : "Endpoints";
  } catch (error) {
    return isStatus(error, 404) ? "NoService" : "Endpoints";
  }
}
