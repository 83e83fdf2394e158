/** What the router looks at in a route. */
export interface Routable {
  readonly hostnames: readonly string[];
  readonly path: { readonly type: "Prefix" | "Exact"; readonly value: string };
}

interface HostTable<R> {
  readonly exact: Map<string, R>;
  /** Longest first. */
  readonly prefixes: { readonly value: string; readonly route: R }[];
}

/**
 * Finds the most specific route: exact host, then the longest wildcard, then no host; within one of these an Exact
 * path, then the longest Prefix that ends at a `/` boundary. A host whose paths do not fit falls through to the next.
 */
export class Router<R extends Routable> {
  readonly #hosts = new Map<string, HostTable<R>>();
  readonly #wildcards = new Map<string, HostTable<R>>();
  readonly #any: HostTable<R> = { exact: new Map(), prefixes: [] };
  /** Labels of the longest wildcard; 0: there is none. */
  #deepest = 0;

  constructor(routes: readonly R[]) {
    for (const route of routes) {
      if (route.hostnames.length === 0) enter(this.#any, route);
      for (const hostname of route.hostnames) {
        const wild = hostname.startsWith("*.");
        const hosts = wild ? this.#wildcards : this.#hosts;
        const name = wild ? hostname.slice(2) : hostname;
        let table = hosts.get(name);
        if (table === undefined) hosts.set(name, (table = { exact: new Map(), prefixes: [] }));
        enter(table, route);
      }
    }
    for (const name of this.#wildcards.keys()) this.#deepest = Math.max(this.#deepest, name.split(".").length);
    for (const table of [this.#any, ...this.#hosts.values(), ...this.#wildcards.values()]) {
      table.prefixes.sort((a, b) => b.value.length - a.value.length);
    }
  }

  /** `host` in lower case without port, `path` without query, byte for byte. */
  find(host: string, path: string): R | undefined {
    return this.#inHost(this.#hosts.get(host), path) ?? this.#inWildcards(host, path) ?? this.#inHost(this.#any, path);
  }

  /** Looks up the ends of a host, the longest first; those with more labels than any wildcard are not looked at. */
  #inWildcards(host: string, path: string): R | undefined {
    const ends: string[] = [];
    for (let dot = host.length; ends.length < this.#deepest;) {
      dot = host.lastIndexOf(".", dot - 1);
      if (dot <= 0) break;
      ends.push(host.slice(dot + 1));
    }
    for (const end of ends.reverse()) {
      const route = this.#inHost(this.#wildcards.get(end), path);
      if (route !== undefined) return route;
    }
    return undefined;
  }

  #inHost(table: HostTable<R> | undefined, path: string): R | undefined {
    if (table === undefined) return undefined;
    return table.exact.get(path) ?? table.prefixes.find(({ value }) => isPrefix(value, path))?.route;
  }
}

/** The first of two routes that can never be told apart stays (translation refuses the second). */
function enter<R extends Routable>(table: HostTable<R>, route: R): void {
  const { type, value } = route.path;
  if (type === "Exact") {
    if (!table.exact.has(value)) table.exact.set(value, route);
  } else if (!table.prefixes.some((prefix) => prefix.value === value)) table.prefixes.push({ value, route });
}

function isPrefix(prefix: string, path: string): boolean {
  return (
    path.startsWith(prefix) && (prefix.endsWith("/") || path.length === prefix.length || path[prefix.length] === "/")
  );
}
