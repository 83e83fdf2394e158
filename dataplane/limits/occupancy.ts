import { clientSubject, type Identity } from "../identity.ts";

interface Where {
  readonly addressSubject: string;
}

/**
 * How many sessions and handshakes under way each subject has now. It counts whether or not a limit is in force, so that
 * a new limit counts what is open already.
 */
export class Occupancy {
  readonly #counts = new Map<string, number>();

  /** Sessions and handshakes under this key. */
  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** Counts one more under each of its keys; the first call of the returned function takes it back. */
  enter(route: string, identity: Identity, where: Where): () => void {
    // The returned function lives as long as the session: it keeps neither the keys, which are made again, nor the handshake.
    const { addressSubject } = where;
    for (const key of keysOf(route, identity, where)) this.#counts.set(key, this.of(key) + 1);
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      for (const key of keysOf(route, identity, { addressSubject })) {
        const left = this.of(key) - 1;
        if (left > 0) this.#counts.set(key, left);
        else this.#counts.delete(key);
      }
    };
  }

  /** Number of keys; 0 when nothing is open. */
  get size(): number {
    return this.#counts.size;
  }
}

/** The key of a limit's subject: within one route where `own` names it, else over all routes of the proxy. */
export function occupancyKey(
  per: "Client" | "IP" | "Route" | "Proxy",
  own: string | undefined,
  route: string,
  identity: Identity,
  where: Where,
): string {
  if (per === "Proxy") return "proxy";
  if (per === "Route") return `route ${route}`;
  const subject = per === "IP" ? `ip ${where.addressSubject}` : clientSubject(identity.client, where.addressSubject);
  return own === undefined ? subject : `${subject} in ${own}`;
}

function keysOf(route: string, identity: Identity, where: Where): string[] {
  return [
    occupancyKey("Proxy", undefined, route, identity, where),
    occupancyKey("Route", undefined, route, identity, where),
    ...(["Client", "IP"] as const).flatMap((per) => [
      occupancyKey(per, undefined, route, identity, where),
      occupancyKey(per, route, route, identity, where),
    ]),
  ];
}
