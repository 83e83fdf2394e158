import type { RouteSpec } from "../../../api/websocket-proxy.ts";

/** What tells routes apart. */
export type Claim = Pick<RouteSpec, "name" | "hostnames" | "path">;

/**
 * Who serves which host and path. Two routes that match the same can never be told apart, and the earlier one has it. A
 * route with several hosts stands as long as one of them is its own.
 */
export class Claims {
  readonly #owners = new Map<string, string>();

  /** Hosts of the route (`*` for any) that an earlier one serves on the very same path, with that one's name. */
  taken(route: Claim): ReadonlyMap<string, string> {
    return new Map(
      hostsOf(route).flatMap((host) => {
        const owner = this.#owners.get(keyOf(host, route));
        return owner === undefined ? [] : [[host, owner] as const];
      }),
    );
  }

  /** Nothing is left: no request could ever reach the route. */
  conflicts(route: Claim): boolean {
    return this.taken(route).size === hostsOf(route).length;
  }

  /** The route has what nobody has yet. */
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
