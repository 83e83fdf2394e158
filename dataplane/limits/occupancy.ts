import type { Identity } from "../identity.ts";
import { subjectOf, type HandshakePer } from "./subject.ts";

interface Where {
  readonly addressSubject: string;
}

/** Takes one session or handshake out of the count: the keys under which it counted; none if it was out before. */
export type Leave = () => readonly string[];

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

  /** Counts one more under each of its keys; the first call of the returned function takes it back, and tells the keys. */
  enter(route: string, identity: Identity, where: Where): Leave {
    // The returned function lives as long as the session: it keeps neither the keys, which are made again, nor the handshake.
    const { addressSubject } = where;
    for (const key of keysOf(route, identity, where)) this.#counts.set(key, this.of(key) + 1);
    let inside = true;
    return () => {
      if (!inside) return [];
      inside = false;
      const keys = keysOf(route, identity, { addressSubject });
      for (const key of keys) {
        const left = this.of(key) - 1;
        if (left > 0) this.#counts.set(key, left);
        else this.#counts.delete(key);
      }
      return keys;
    };
  }

  /** All keys, the oldest first. A walk may take many turns: a key that ends is left out, one that is new comes last. */
  keys(): IterableIterator<string> {
    return this.#counts.keys();
  }

  /** Number of keys; 0 when nothing is open. */
  get size(): number {
    return this.#counts.size;
  }
}

/** The key of a limit's subject: within one route where `own` names it, else over all routes of the proxy. */
export function occupancyKey(
  per: HandshakePer,
  own: string | undefined,
  route: string,
  identity: Identity,
  where: Where,
): string {
  return `${occupancyKind(per, own, route)}\n${subjectOf(per, identity.client, where.addressSubject)}`;
}

/** The kind of such a key: what it counts by, and where. A limit counts the keys of one kind. */
export function occupancyKind(per: HandshakePer, own: string | undefined, route: string): string {
  if (per === "Proxy") return "proxy";
  if (per === "Route") return `route ${route}`;
  const kind = per === "IP" ? "ip" : "client";
  return own === undefined ? kind : `${kind} in ${own}`;
}

/** The kind of a key. A client chooses its id, but no kind has a line break: so the first one ends the kind. */
export function kindOf(key: string): string {
  return key.slice(0, key.indexOf("\n"));
}

/** All keys under which one session counts. */
export function keysOf(route: string, identity: Identity, where: Where): string[] {
  return [
    occupancyKey("Proxy", undefined, route, identity, where),
    occupancyKey("Route", undefined, route, identity, where),
    ...(["Client", "IP"] as const).flatMap((per) => [
      occupancyKey(per, undefined, route, identity, where),
      occupancyKey(per, route, route, identity, where),
    ]),
  ];
}
