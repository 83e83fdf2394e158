import { Counter, Gauge, type Registry } from "prom-client";
import type { Subjects } from "./subjects.ts";

/** What `/metrics` tells of the data plane's process as a whole: no proxy, no route. Labels come from closed sets only. */
export class ProcessMetrics {
  readonly #registry: Registry;
  readonly #readPath: Gauge;

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#readPath = new Gauge({
      name: "wsproxy_read_path",
      help: "How plain sockets are read: through one buffer that all share, or through data events. 1 for the way in use.",
      labelNames: ["path"],
      registers: [registry],
    });
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

  /** What the limits remember, and what they had to forget; asked for at scrape time. */
  subjects(subjects: Pick<Subjects, "size" | "forgotten">): void {
    new Gauge({
      name: "wsproxy_limit_subjects",
      help: "Clients and addresses that the limits remember, over all limits.",
      registers: [this.#registry],
      collect() {
        this.set(subjects.size);
      },
    });
    new Counter({
      name: "wsproxy_limit_subjects_forgotten_total",
      help: "Clients and addresses that were forgotten because their limit (limit), or all limits together (process), had as many as they may.",
      labelNames: ["reason"],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [reason, count] of Object.entries(subjects.forgotten)) this.inc({ reason }, count);
      },
    });
  }

  /** The memory for all buffers together, and what is in use of it; asked for at scrape time. */
  bufferBudget(budget: { readonly limit: number; readonly used: number; readonly ended: number }): void {
    const registers = [this.#registry];
    new Gauge({
      name: "wsproxy_buffer_budget_bytes",
      help: "Memory for what receivers have not taken, of all sessions together.",
      registers,
      collect() {
        this.set(budget.limit);
      },
    });
    new Gauge({
      name: "wsproxy_buffer_budget_used_bytes",
      help: "Memory in use of the budget: buffered bytes and what they cost beside.",
      registers,
      collect() {
        this.set(budget.used);
      },
    });
    new Counter({
      name: "wsproxy_buffer_budget_ended_sessions_total",
      help: "Sessions of slow consumers that ended because buffers were near their budget.",
      registers,
      collect() {
        this.reset();
        this.inc(budget.ended);
      },
    });
  }

  /** Says once how this process reads plain sockets. */
  readPath(name: "shared" | "data"): void {
    for (const path of ["shared", "data"]) this.#readPath.set({ path }, path === name ? 1 : 0);
  }
}
