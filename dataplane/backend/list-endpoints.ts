import type { Endpoints } from "../../api/config.ts";
import type { Slices } from "../../runtime/slices.ts";
import type { Balancer } from "./balancer.ts";
import { EndpointListing } from "./endpoint-listing.ts";

/** Tells every route where its sessions may go, in slices. */
export async function listEndpoints(
  routes: Iterable<{ readonly balancer: Balancer }>,
  endpoints: Endpoints,
  slices: Slices,
): Promise<void> {
  const listing = new EndpointListing(endpoints);
  for (const { balancer } of routes) {
    if (slices.spent) await slices.next();
    balancer.setEndpoints(listing);
  }
}
