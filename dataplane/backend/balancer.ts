import type { BackendConfig, Endpoint, RouteConfig } from "../../api/config.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Memory } from "../memory.ts";
import type { BackendEndpoints, EndpointListing } from "./endpoint-listing.ts";

/** An endpoint that refused a dial is tried last for this time, in ms. */
const SHUNNED = 5000;

/** Where a new session may go. */
export interface Target {
  readonly backend: BackendConfig;
  readonly endpoint: Endpoint;
  /** Counts a connection; the returned function takes it back, once. */
  enter(): () => void;
  /** A dial was refused. */
  refused(): void;
  /** Calls back once when the endpoint is listed no more; the returned function stops that. */
  whenGone(tell: () => void): () => void;
}

export interface Balancer {
  /** Endpoints change without a new config. */
  setEndpoints(listing: EndpointListing): void;
  /** As above, for a config that is no longer in force: a backend that is not listed stays as it was. */
  follow(listing: EndpointListing): void;
  /** Endpoints of the time when one is asked for, in the order in which they are to be tried, each once. */
  pick(): Generator<Target>;
}

interface Load {
  connections: number;
  shunnedUntil: number;
}

/** How busy each endpoint is; outlives config changes, and is shared by all routes of a proxy. */
class Loads {
  readonly #loads = new Map<string, Load>();
  #sweptFor: EndpointListing | undefined;

  of(key: string): Load {
    return this.#loads.get(key) ?? { connections: 0, shunnedUntil: 0 };
  }

  enter(key: string): () => void {
    const load = this.of(key);
    this.#loads.set(key, load);
    load.connections += 1;
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      load.connections -= 1;
      if (load.connections === 0 && load.shunnedUntil === 0) this.#loads.delete(key);
    };
  }

  shun(key: string, until: number): void {
    const load = this.of(key);
    load.shunnedUntil = until;
    this.#loads.set(key, load);
  }

  /** Forgets idle endpoints that are listed no more, or are no longer tried last; once for all routes of a listing. */
  sweep(listing: EndpointListing, now: number): void {
    if (this.#sweptFor === listing) return;
    this.#sweptFor = listing;
    for (const [key, load] of this.#loads)
      if (load.connections === 0 && load.shunnedUntil <= now) this.#loads.delete(key);
  }
}

/** Dials that wait for an endpoint's answer. */
class Waiting {
  readonly #tells = new Map<string, Set<() => void>>();

  add(key: string, tell: () => void): () => void {
    const tells = this.#tells.get(key) ?? new Set();
    this.#tells.set(key, tells.add(tell));
    return () => {
      tells.delete(tell);
      if (tells.size === 0 && this.#tells.get(key) === tells) this.#tells.delete(key);
    };
  }

  /** Tells the dials of endpoints that are in none of these groups. */
  keep(groups: readonly Group[]): void {
    for (const [key, tells] of this.#tells) {
      if (groups.some(({ endpoints }) => endpoints.keys.has(key))) continue;
      this.#tells.delete(key);
      for (const tell of tells) tell();
    }
  }
}

interface Candidate {
  readonly key: string;
  readonly backend: BackendConfig;
  readonly endpoint: Endpoint;
  /** The backend's weight, shared among its endpoints. */
  readonly weight: number;
}

/** A backend to which sessions may go, with its endpoints. */
interface Group {
  readonly backend: BackendConfig;
  readonly endpoints: BackendEndpoints;
}

type Choose = (candidates: readonly Candidate[]) => Candidate;

/** Picks endpoints for the sessions of one route. */
export function balancer(route: RouteConfig, memory: Memory, random: () => number, clock: Clock): Balancer {
  const loads = memory.recall("endpoint loads", () => new Loads());
  const turns = memory.recall(`round robin ${route.name}`, () => new Map<string, number>());
  const choose: Choose = {
    LeastConnections: leastConnections(loads, random),
    RoundRobin: roundRobin(turns),
    Random: weighted(random),
  }[route.loadBalancing];
  const waiting = new Waiting();
  const backends = route.backends.filter(({ weight }) => weight > 0);
  let groups: readonly Group[] = [];
  const take = (listing: EndpointListing, now: readonly Group[]): void => {
    groups = now;
    loads.sweep(listing, clock.now());
    waiting.keep(groups);
  };
  return {
    setEndpoints(listing) {
      take(
        listing,
        backends.map((backend) => ({ backend, endpoints: listing.of(backend.endpoints) })),
      );
    },
    follow(listing) {
      const isListed = ({ endpoints }: BackendConfig): boolean => listing.has(endpoints);
      take(
        listing,
        groups.map((group) =>
          isListed(group.backend) ? { ...group, endpoints: listing.of(group.backend.endpoints) } : group,
        ),
      );
    },
    *pick() {
      const tried = new Set<string>();
      for (;;) {
        const left = candidatesOf(groups).filter(({ key }) => !tried.has(key));
        if (left.length === 0) return;
        const now = clock.now();
        const fit = left.filter(({ key }) => loads.of(key).shunnedUntil <= now);
        const { key, backend, endpoint } = choose(fit.length > 0 ? fit : left);
        tried.add(key);
        yield {
          backend,
          endpoint,
          enter: () => loads.enter(key),
          refused: () => loads.shun(key, clock.now() + SHUNNED),
          whenGone: (tell) => waiting.add(key, tell),
        };
      }
    },
  };
}

/**
 * Ready endpoints; those that are draining only where nothing is ready. Made for each handshake: 1,000 routes that each
 * keep theirs of 10,000 endpoints would take gigabytes.
 */
function candidatesOf(groups: readonly Group[]): Candidate[] {
  const some = groups.some(({ endpoints }) => endpoints.ready.length > 0) ? "ready" : "all";
  return groups.flatMap(({ backend, endpoints }) => {
    const weight = backend.weight / endpoints[some].length;
    return endpoints[some].map(({ key, endpoint }) => ({ key, backend, endpoint, weight }));
  });
}

/** Fewest connections for its weight; among equals by weight at random. */
function leastConnections(loads: Loads, random: () => number): Choose {
  const pickWeighted = weighted(random);
  return (candidates) => {
    const scored = candidates.map((candidate) => ({
      candidate,
      score: (loads.of(candidate.key).connections + 1) / candidate.weight,
    }));
    const least = scored.reduce((lowest, { score }) => Math.min(lowest, score), Number.POSITIVE_INFINITY);
    return pickWeighted(scored.filter(({ score }) => score <= least * (1 + 1e-9)).map(({ candidate }) => candidate));
  };
}

/** Each in turn, the heavier ones more often, spread evenly (as nginx's smooth weighted round robin does). */
function roundRobin(turns: Map<string, number>): Choose {
  return (candidates) => {
    const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
    let best = candidates[0];
    for (const candidate of candidates) {
      const turn = (turns.get(candidate.key) ?? 0) + candidate.weight;
      turns.set(candidate.key, turn);
      // Shares such as 1/3 do not add up exactly: an endpoint that is equal but for that keeps its turn.
      if (best === undefined || turn > (turns.get(best.key) ?? 0) + total * 1e-9) best = candidate;
    }
    if (best === undefined) throw new Error("round robin over nothing");
    turns.set(best.key, (turns.get(best.key) ?? 0) - total);
    if (turns.size > candidates.length * 2 + 64) turns.clear();
    return best;
  };
}

function weighted(random: () => number): Choose {
  return (candidates) => {
    const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
    let left = random() * total;
    for (const candidate of candidates) {
      left -= candidate.weight;
      if (left < 0) return candidate;
    }
    const last = candidates.at(-1);
    if (last === undefined) throw new Error("a choice among nothing");
    return last;
  };
}
