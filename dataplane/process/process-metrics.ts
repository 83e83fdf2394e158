import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { EVICTION_REASONS, type EvictionReason } from "./evictions.ts";
import type { Subjects } from "../limits/subjects.ts";

/** Counts of sockets that are read at scrape time. */
export interface SocketCounts {
  readonly descriptors: { readonly most: number; readonly used: number };
  readonly room: { readonly reading: number; readonly unread: number };
}

/** One proxy of the process at the moment of a scrape. */
export interface ProxyState {
  readonly proxy: string;
  /** It takes new sessions. */
  readonly ready: boolean;
  /** The config that came last is not in force. */
  readonly refused: boolean;
  /** The config was in force and is gone: there is no route. */
  readonly removed: boolean;
  /** Of the config in force, in hexadecimal digits. */
  readonly hash: string | undefined;
}

const DELAYS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** What `/metrics` tells of the data plane's process as a whole, and which proxies it serves: no route. Labels come from closed sets only. */
export class ProcessMetrics {
  readonly #registry: Registry;
  readonly #readPath: Gauge;
  readonly #evicted: Counter;
  readonly #delay: Histogram;
  readonly #adminRefused: Counter;

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#readPath = new Gauge({
      name: "wsproxy_read_path",
      help: "How plain sockets are read: through one buffer that all share, or through data events. 1 for the way in use.",
      labelNames: ["path"],
      registers: [registry],
    });
    this.#evicted = new Counter({
      name: "wsproxy_evicted_sockets_total",
      help: "Clients' sockets closed without an answer.",
      labelNames: ["reason"],
      registers: [registry],
    });
    for (const reason of EVICTION_REASONS) this.#evicted.inc({ reason }, 0);
    this.#delay = new Histogram({
      name: "wsproxy_event_loop_delay_seconds",
      help: "How late a timer fires that is due every 100 ms: how long everything waits for the process.",
      buckets: DELAYS,
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

  evicted(reason: EvictionReason): void {
    this.#evicted.inc({ reason });
  }

  eventLoopDelay(seconds: number): void {
    this.#delay.observe(seconds);
  }

  /** Counts that are asked for at scrape time. */
  showSockets({ descriptors, room }: SocketCounts): void {
    const gauge = (name: string, help: string, labelNames: string[], collect: (gauge: Gauge) => void): void => {
      new Gauge({
        name: `wsproxy_${name}`,
        help,
        labelNames,
        registers: [this.#registry],
        collect() {
          collect(this);
        },
      });
    };
    gauge(
      "descriptors_limit",
      "File descriptors that sockets of clients, backends and identity providers may have together.",
      [],
      (it) => it.set(descriptors.most),
    );
    gauge(
      "descriptors_used",
      "File descriptors that sockets of clients, backends and identity providers have, or are about to.",
      [],
      (it) => it.set(descriptors.used),
    );
    gauge("waiting_sockets", "Sockets whose request head is not complete.", ["state"], (it) => {
      it.set({ state: "reading" }, room.reading);
      it.set({ state: "unread" }, room.unread);
    });
  }

  /** What is true of each proxy; asked for at scrape time. A proxy that is not among the states has no series. */
  showProxies(states: () => Iterable<ProxyState>): void {
    const show = (name: string, help: string, value: (state: ProxyState) => number | undefined): void => {
      new Gauge({
        name: `wsproxy_${name}`,
        help,
        labelNames: ["proxy"],
        registers: [this.#registry],
        collect() {
          this.reset();
          for (const state of states()) {
            const now = value(state);
            if (now !== undefined) this.set({ proxy: state.proxy }, now);
          }
        },
      });
    };
    show(
      "ready",
      "1 while new sessions are taken: a config in force, an open listener, counts of its limits, no drain.",
      (it) => +it.ready,
    );
    show("config_refused", "1 while the config that came last is refused.", (it) => +it.refused);
    show("config_removed", "1 while the config is gone and no route is served.", (it) => +it.removed);
    // A number has 53 bits: two configs differ in their first 48, or nothing differs.
    show("config_hash", "A number that differs between configs in force that differ.", ({ hash }) =>
      hash === undefined ? undefined : Number.parseInt(hash.slice(0, 12), 16),
    );
  }

  /** Streams of the admin port, and readers that have none; asked for at scrape time. */
  showStreams(streams: { readonly places: number; readonly lost: Readonly<Record<string, number>> }): void {
    const registers = [this.#registry];
    new Gauge({
      name: "wsproxy_debug_streams",
      help: "Streams of events and frames that are open at the admin port.",
      registers,
      collect() {
        this.set(streams.places);
      },
    });
    new Counter({
      name: "wsproxy_debug_streams_lost_total",
      help: "Readers of such a stream that got none (Full), had to give theirs to a new one (GaveWay), or read too slowly (Slow).",
      labelNames: ["reason"],
      registers,
      collect() {
        this.reset();
        for (const [reason, count] of Object.entries(streams.lost)) this.inc({ reason }, count);
      },
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
