import type { RouteSpec } from "../../../api/websocket-proxy.ts";

/** The fields of a route that decide which requests it gets. */
export type Claim = Pick<RouteSpec, "name" | "hostnames" | "path">;

/**
 * Records which route serves which host and path. Of two routes that match the same requests, the earlier one gets them. A
 * route with several hosts is accepted as long as one of them is its own.
 */
export class Claims {
  readonly #owners = new Map<string, string>();

  /** Host of the route (`*`: any) → name of the earlier route that serves it on the same path. */
  taken(route: Claim): ReadonlyMap<string, string> {
    return new Map(
      hostsOf(route).flatMap((host) => {
        const owner = this.#owners.get(keyOf(host, route));
        return owner === undefined ? [] : [[host, owner] as const];
      }),
    );
  }

  /** Do earlier routes serve all hosts of the route? No request could ever reach it then. */
  conflicts(route: Claim): boolean {
    return this.taken(route).size === hostsOf(route).length;
  }

  /** Gives the route each of its hosts that no earlier route has. */
  enter(route: Claim): void {
    for (const host of hostsOf(route)) {
      const key = keyOf(host, route);
      if (!this.#owners.has(key)) this.#owners.set(key, route.name);
    }
  }
}

function hostsOf({ hostnames }: Claim): readonly string[] {
  return hostnames.length === 0 ? ["*"] : [...new Set(hostnames)];
}

function keyOf(host: string, { path }: Claim): string {
  return `${host} ${path.type} ${path.value}`;
}
