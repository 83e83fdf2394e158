/** What is said of a limit beside the route that it is of. */
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
 * How often each limit of each route was hit, from the moment that it is there. A large config has 18,000 of them: each
 * is a number, and becomes a sample with labels for a scrape only.
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
    // A config change compiles every limit of every route anew: it counts on.
    const count = counts.get(key) ?? { kind, hits: 0 };
    counts.set(key, count);
    return () => void (count.hits += 1);
  }

  /** As the registry reads a metric. */
  async get() {
    const values = [...this.#routes].flatMap(([route, counts]) =>
      [...counts.values()].map(({ kind, hits }) => ({ value: hits, labels: { ...route, ...kind } })),
    );
    return { name: this.name, help: this.help, type: this.type, aggregator: "sum", values };
  }
}

/** What happens to a limit's hit. */
export type LimitAction = "Refuse" | "Close" | "Drop" | "Delay";
