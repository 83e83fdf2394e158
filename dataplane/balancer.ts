import type { BackendConfig, Endpoint, Endpoints, RouteConfig } from "../api/config.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Memory } from "./memory.ts";

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
}

export interface Balancer {
  /** Endpoints change without a new config. */
  setEndpoints(endpoints: Endpoints): void;
  /** Endpoints in the order in which they are to be tried, each once; none: nothing is ready. */
  pick(): Generator<Target>;
}

interface Load {
  connections: number;
  shunnedUntil: number;
}

/** How busy each endpoint is; outlives config changes, and is shared by all routes of a proxy. */
class Loads {
  readonly #loads = new Map<string, Load>();

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

  /** Forgets idle endpoints that no longer exist or whose time is over. */
  sweep(now: number): void {
    for (const [key, load] of this.#loads)
      if (load.connections === 0 && load.shunnedUntil <= now) this.#loads.delete(key);
  }
}

interface Candidate {
  readonly key: string;
  readonly backend: BackendConfig;
  readonly endpoint: Endpoint;
  /** The backend's weight, shared among its endpoints. */
  readonly weight: number;
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
  let candidates: readonly Candidate[] = [];
  return {
    setEndpoints(endpoints) {
      candidates = candidatesOf(route, endpoints);
      loads.sweep(clock.now());
    },
    *pick() {
      const left = new Set(candidates);
      while (left.size > 0) {
        const now = clock.now();
        const fit = [...left].filter(({ key }) => loads.of(key).shunnedUntil <= now);
        const candidate = choose(fit.length > 0 ? fit : [...left]);
        left.delete(candidate);
        const { key, backend, endpoint } = candidate;
        yield {
          backend,
          endpoint,
          enter: () => loads.enter(key),
          refused: () => loads.shun(key, clock.now() + SHUNNED),
        };
      }
    },
  };
}

/** Ready endpoints; those that are draining only where nothing is ready. */
function candidatesOf(route: RouteConfig, endpoints: Endpoints): Candidate[] {
  const inState = (state: Endpoint["state"]): Candidate[] =>
    route.backends
      .filter(({ weight }) => weight > 0)
      .flatMap((backend) => {
        const some = (endpoints.backends[backend.endpoints] ?? []).filter((endpoint) => endpoint.state === state);
        return some.map((endpoint) => ({
          key: `${endpoint.address} ${endpoint.port}`,
          backend,
          endpoint,
          weight: backend.weight / some.length,
        }));
      });
  const ready = inState("Ready");
  return ready.length > 0 ? ready : inState("Draining");
}

/** Fewest connections for its weight; among equals by weight at random. */
function leastConnections(loads: Loads, random: () => number): Choose {
  const pickWeighted = weighted(random);
  return (candidates) => {
    const scored = candidates.map((candidate) => ({
      candidate,
      score: (loads.of(candidate.key).connections + 1) / candidate.weight,
    }));
    const least = Math.min(...scored.map(({ score }) => score));
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
      // Shares such as 1/3 do not add up exactly: who is equal but for that keeps its turn.
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
