import type { Family } from "../resources.ts";

/** An address that a slice lists. */
interface Listed {
  readonly family: Family;
  /** Whose address it is; undefined: nobody says. */
  readonly pod: string | undefined;
}

/** Of a Service that says nothing itself. */
const ORDER: readonly Family[] = ["IPv4", "IPv6"];

/**
 * Leaves a pod one of its two addresses: of a dual-stack Service it stands in a slice of each family. Which one, only the
 * Service's order decides and no state, so that slices written one after the other move nobody.
 */
export function inOneFamily<T extends Listed>(listed: readonly T[], families: readonly Family[] = ORDER): T[] {
  const rank = (family: Family): number => (families.includes(family) ? families.indexOf(family) : families.length);
  const first = new Map<string, Family>();
  for (const { pod, family } of listed) {
    if (pod === undefined) continue;
    const known = first.get(pod);
    if (known === undefined || rank(family) < rank(known)) first.set(pod, family);
  }
  return listed.filter(({ pod, family }) => pod === undefined || first.get(pod) === family);
}
