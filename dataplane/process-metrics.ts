import { Counter, Gauge, type Registry } from "prom-client";

/** What `/metrics` tells of the data plane's process as a whole: no proxy, no route. Labels come from closed sets only. */
export class ProcessMetrics {
  readonly #registry: Registry;
  readonly #readPath: Gauge;
  readonly #adminRefused: Counter;

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#readPath = new Gauge({
      name: "wsproxy_read_path",
      help: "How plain sockets are read: through one buffer that all share, or through data events. 1 for the way in use.",
      labelNames: ["path"],
      registers: [registry],
    });
    this.#adminRefused = new Counter({
      name: "wsproxy_admin_refused_total",
      help: "Requests to closed endpoints of the admin port that were refused: a name as Host, a foreign Origin, no valid token.",
      labelNames: ["reason"],
      registers: [registry],
    });
    for (const reason of ["Host", "Origin", "Token"]) this.#adminRefused.inc({ reason }, 0);
  }

  /** Counts a request that the gate of the admin port turned away. */
  adminRefused(reason: "Host" | "Origin" | "Token"): void {
    this.#adminRefused.inc({ reason });
  }

  /** Log lines that the reader of stdout did not take in time; asked for at scrape time. */
  logDropped(count: () => number): void {
    new Counter({
      name: "wsproxy_log_lines_dropped_total",
      help: "Log lines lost because the reader of stdout did not keep up.",
      registers: [this.#registry],
      collect() {
        this.reset();
        this.inc(count());
      },
    });
  }

  /** Says once how this process reads plain sockets. */
  readPath(name: "shared" | "data"): void {
    for (const path of ["shared", "data"]) this.#readPath.set({ path }, path === name ? 1 : 0);
  }
}
