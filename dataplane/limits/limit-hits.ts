/** The labels of a limit, without its route. */
interface Kind {
  readonly policy: string;
  readonly per: string;
  readonly action: LimitAction;
  readonly enforcement: "Enforce" | "Shadow";
}

interface Count {
  readonly kind: Kind;
  hits: number;
}

interface Route {
  readonly proxy: string;
  readonly route: string;
}

/**
 * How often each limit of each route was hit; 0 from the moment that the limit is in force. A large config has 18,000
 * limits: each is a number, and becomes a sample with labels only when it is scraped.
 */
export class LimitHits {
  readonly name = "wsproxy_limit_hits_total";
  readonly help = "Limits exceeded.";
  readonly type = "counter";
  readonly labelNames = ["proxy", "route", "policy", "per", "action", "enforcement"] as const;
  readonly #kinds = new Map<string, Kind>();
  readonly #routes = new Map<Route, Map<string, Count>>();

  /** A function that counts one hit. */
  counter(route: Route, policy: string, per: string, action: LimitAction, shadow: boolean): () => void {
    const enforcement = shadow ? "Shadow" : "Enforce";
    const key = `${policy} ${per} ${action} ${enforcement}`;
    const kind = this.#kinds.get(key) ?? { policy, per, action, enforcement };
    this.#kinds.set(key, kind);
    const counts = this.#routes.get(route) ?? new Map<string, Count>();
    this.#routes.set(route, counts);
    // A config change may compile the limit anew: the count goes on.
    const count = counts.get(key) ?? { kind, hits: 0 };
    counts.set(key, count);
    return () => void (count.hits += 1);
  }

  /** The samples, as prom-client reads those of a metric. */
  async get() {
    const values = [...this.#routes].flatMap(([route, counts]) =>
      [...counts.values()].map(({ kind, hits }) => ({ value: hits, labels: { ...route, ...kind } })),
    );
    return { name: this.name, help: this.help, type: this.type, aggregator: "sum", values };
  }
}

/** What a limit does when it is exceeded. */
export type LimitAction = "Refuse" | "Close" | "Drop" | "Delay";
