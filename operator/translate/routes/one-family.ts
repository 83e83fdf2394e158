import type { Family } from "../resources.ts";

/** An address of a slice, as far as the choice of a family needs it. */
interface FamilyAddress {
  readonly family: Family;
  /** The pod that has the address; undefined: the slice names none. */
  readonly pod: string | undefined;
}

/** For a Service without an order of its own. */
const ORDER: readonly Family[] = ["IPv4", "IPv6"];

/** Is it a family of addresses that are dialled? */
export function isFamily(text: string): text is Family {
  return text === "IPv4" || text === "IPv6";
}

/**
 * Leaves each pod one of its two addresses: a pod of a dual-stack Service is in a slice of each family. Only the Service's
 * order of families decides, and not the endpoints' states: slices that change one after the other move no session.
 */
export function inOneFamily<T extends FamilyAddress>(listed: readonly T[], families: readonly Family[] = ORDER): T[] {
  const rank = (family: Family): number => (families.includes(family) ? families.indexOf(family) : families.length);
  const first = new Map<string, Family>();
  for (const { pod, family } of listed) {
    if (pod === undefined) continue;
    const known = first.get(pod);
    if (known === undefined || rank(family) < rank(known)) first.set(pod, family);
  }
  return listed.filter(({ pod, family }) => pod === undefined || first.get(pod) === family);
}
