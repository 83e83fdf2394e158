import type { Slices } from "../../runtime/loop/slices.ts";
import type { Balancer } from "./balancer.ts";
import type { EndpointListing } from "./endpoint-listing.ts";

/** Tells every route where its sessions may go, in slices. */
export async function listEndpoints(
  routes: Iterable<{ readonly balancer: Balancer }>,
  listing: EndpointListing,
  slices: Slices,
): Promise<void> {
  for (const { balancer } of routes) {
    if (slices.spent) await slices.next();
    balancer.setEndpoints(listing);
  }
}
