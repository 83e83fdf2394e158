import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { LinkMetrics, Result, StoresMetrics } from "../limits/store/link-metrics.ts";
import { OPERATIONS } from "../limits/store/scripts/script.ts";

const RESULTS: readonly Result[] = ["Answered", "Late", "Failed"];
const SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/** What `/metrics` tells of the stores of proxies; a proxy without one has no series. */
export class StoreMetrics implements StoresMetrics {
  readonly #requests: Counter<"proxy" | "operation" | "result">;
  readonly #duration: Histogram<"proxy">;
  readonly #available: Gauge<"proxy">;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#requests = new Counter({
      name: "wsproxy_store_requests_total",
      help: "Calls to the store of shared limits.",
      labelNames: ["proxy", "operation", "result"],
      registers,
    });
    this.#duration = new Histogram({
      name: "wsproxy_store_request_duration_seconds",
      help: "How long calls to the store took that were sent, up to the answer or to giving up.",
      labelNames: ["proxy"],
      buckets: SECONDS,
      registers,
    });
    this.#available = new Gauge({
      name: "wsproxy_store_available",
      help: "1 while the store decides about limits, 0 while whenUnavailable does.",
      labelNames: ["proxy"],
      registers,
    });
  }

  /** The metrics of one proxy's store, all at 0. */
  of(proxy: string): LinkMetrics {
    const counters = new Map<string, { inc(): void }>();
    for (const operation of OPERATIONS) {
      for (const result of RESULTS) {
        this.#requests.inc({ proxy, operation, result }, 0);
        counters.set(`${operation} ${result}`, this.#requests.labels({ proxy, operation, result }));
      }
    }
    this.#duration.zero({ proxy });
    this.#available.set({ proxy }, 0);
    const duration = this.#duration.labels({ proxy });
    let closed = false;
    return {
      request: (operation, result, seconds) => {
        if (closed) return;
        counters.get(`${operation} ${result}`)?.inc();
        if (seconds !== undefined) duration.observe(seconds);
      },
      available: (is) => {
        if (!closed) this.#available.set({ proxy }, is ? 1 : 0);
      },
      close: () => {
        closed = true;
        for (const operation of OPERATIONS) {
          for (const result of RESULTS) this.#requests.remove({ proxy, operation, result });
        }
        this.#duration.remove({ proxy });
        this.#available.remove({ proxy });
      },
    };
  }
}
