import type { Endpoint, Endpoints } from "../../api/config.ts";

/** An endpoint with the name under which its connections are counted. */
export interface ListedEndpoint {
  readonly key: string;
  readonly endpoint: Endpoint;
}

/** The endpoints of one backend. */
export interface BackendEndpoints {
  readonly all: readonly ListedEndpoint[];
  readonly ready: readonly ListedEndpoint[];
  readonly keys: ReadonlySet<string>;
}

const NONE: BackendEndpoints = { all: [], ready: [], keys: new Set() };

/** Endpoints as they came, each backend's listed once for all the routes that go there. */
export class EndpointListing {
  readonly #endpoints: Endpoints["backends"];
  readonly #listed = new Map<string, BackendEndpoints>();

  constructor({ backends }: Endpoints) {
    this.#endpoints = backends;
  }

  /** Are a backend's endpoints listed, be it without one? */
  has(name: string): boolean {
    return Object.hasOwn(this.#endpoints, name);
  }

  /** By the name of the backend's endpoints in the config. */
  of(name: string): BackendEndpoints {
    const endpoints = this.has(name) ? this.#endpoints[name] : undefined;
    if (endpoints === undefined) return NONE;
    let listed = this.#listed.get(name);
    if (listed === undefined) this.#listed.set(name, (listed = list(endpoints)));
    return listed;
  }
}

function list(endpoints: readonly Endpoint[]): BackendEndpoints {
  const all = endpoints.map((endpoint) => ({ key: `${endpoint.address} ${endpoint.port}`, endpoint }));
  const ready = all.filter(({ endpoint }) => endpoint.state === "Ready");
  return { all, ready: ready.length === all.length ? all : ready, keys: new Set(all.map(({ key }) => key)) };
}
