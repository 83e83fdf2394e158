import { STATUS_CODES } from "node:http";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry, type Metric } from "prom-client";
import type { DirectionCount } from "./tunnel/frame-judge.ts";
import type { Method } from "./identity.ts";
import { LimitHits } from "./limits/limit-hits.ts";
import { ProcessMetrics } from "./process/process-metrics.ts";
import { StoreMetrics } from "./process/store-metrics.ts";
import { CLOSE_CODES, PERMISSION_REASONS, type CloseReason, type RefusalReason } from "./rejection.ts";
import type { LimitAction } from "./limits/limit-hits.ts";

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const LIFETIMES = [1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600];
/** Gauges of Node's whose names are those of counters; the gauges that they are the sums of stay. */
const MISNAMED = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

/** What a session adds to the metrics while it is open; read at scrape time, never per message. */
export interface LiveSession {
  readonly fromClient: DirectionCount;
  readonly fromBackend: DirectionCount;
  readonly paused: boolean;
  readonly buffered: number;
}

/** How a session ended, in words of the closed set of label values. */
export interface ClosedLabels {
  readonly code: number;
  readonly reason: CloseReason | "Closed" | "Vanished";
  readonly by: "client" | "backend" | "gateway";
}

/** The metrics of one route, its label values looked up once. */
export interface RouteMetrics {
  opened(session: LiveSession): void;
  closed(session: LiveSession, end: ClosedLabels, seconds: number): void;
  handshake(status: number, reason: RefusalReason | "Accepted" | "BackendRefused", seconds: number): void;
  backendConnect(seconds: number): void;
  authentication(method: Method, reason: RefusalReason | "Accepted"): void;
  credentialTermination(reason: CloseReason): void;
  /** An opaque token that its issuer was not asked about. */
  introspectionNotAsked(reason: "TooManyWaiting" | "WaitedTooLong"): void;
  /** A function that counts one hit. */
  limitHit(policy: string, per: string, action: LimitAction, shadow: boolean): () => void;
  slowConsumer(): void;
}

/** A code of a Close frame as a label value. Of 3000 and up (RFC 6455 §7.4.2) only the gateway's own have one each. */
export function codeLabel(code: number): string {
  if (code < 3000 || CLOSE_CODES.has(code)) return String(code);
  return code < 4000 ? "3000-3999" : "4000-4999";
}

/** A status as a label value. A backend may answer with any number: all unregistered ones of a hundred share one value. */
export function statusLabel(status: number): string {
  return status in STATUS_CODES ? String(status) : `${Math.floor(status / 100)}xx`;
}

interface Totals {
  readonly live: Set<LiveSession>;
  readonly fromClient: DirectionCount;
  readonly fromBackend: DirectionCount;
}

/** Everything under `/metrics`. Labels come from closed sets only: no client, no key, no path. */
export class Metrics {
  readonly registry = new Registry();
  readonly process = new ProcessMetrics(this.registry);
  readonly store = new StoreMetrics(this.registry);
  readonly #routes = new Map<
    string,
    { labels: { proxy: string; route: string }; totals: Totals; metrics: RouteMetrics }
  >();
  readonly #route = ["proxy", "route"] as const;
  readonly #opened = this.#counter("connections_opened_total", "Sessions opened.", []);
  readonly #closed = this.#counter("connections_closed_total", "Sessions closed.", ["code", "reason", "by"]);
  readonly #duration = this.#histogram("connection_duration_seconds", "How long sessions lasted.", LIFETIMES);
  readonly #handshakes = this.#counter("handshakes_total", "Handshakes by their answer.", ["status", "reason"]);
  readonly #handshakeDuration = this.#histogram(
    "handshake_duration_seconds",
    "From the complete request head to its answer.",
    SECONDS,
  );
  readonly #connect = this.#histogram("backend_connect_duration_seconds", "Dial, TLS and the backend's 101.", SECONDS);
  readonly #authentications = this.#counter("authentications_total", "Credentials verified.", ["method", "reason"]);
  readonly #terminations = this.#counter("credential_terminations_total", "Sessions that lost their permission.", [
    "reason",
  ]);
  readonly #notAsked = this.#counter(
    "introspection_not_asked_total",
    "Opaque tokens refused unasked: too many waited.",
    ["reason"],
  );
  readonly #limitHits = new LimitHits();
  readonly #slow = this.#counter("slow_consumers_total", "Sessions ended because an end took too little.", []);
  readonly #draining = this.#proxyGauge("draining_connections", "Sessions that wait for their turn to be closed.");
  readonly #applied = this.#proxyGauge("config_applied_timestamp_seconds", "When the config in force was applied.");
  readonly #generation = this.#proxyGauge("config_generation", "Generation of the config in force.");
  readonly #limit = this.#proxyGauge("connections_limit", "Sessions and handshakes that this pod admits.");
  readonly #rejected = this.#proxyCounter("config_rejected_total", "Configs refused; the last good one stayed.");
  readonly #dropped = this.#proxyCounter(
    "config_dropped_sessions_total",
    "Sessions that a config change ended without taking their permission away. Stays 0.",
  );
  readonly #certificate = this.#proxyGauge(
    "certificate_expiry_timestamp_seconds",
    "When the listener's certificate expires.",
  );

  readonly #certificateStart = this.#proxyGauge(
    "certificate_start_timestamp_seconds",
    "From when the listener's certificate is valid.",
  );

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    this.registry.registerMetric(this.#limitHits as unknown as Metric);
    for (const name of MISNAMED) this.registry.removeSingleMetric(name);
    this.#summed("connections", "Sessions open.", (totals) => totals.live.size);
    this.#summed("paused_connections", "Sessions of which a direction is paused now.", (totals) =>
      sum(totals.live, (session) => (session.paused ? 1 : 0)),
    );
    this.#summed("buffered_bytes", "Bytes kept for receivers that have not taken them.", (totals) =>
      sum(totals.live, (session) => session.buffered),
    );
    this.#perDirection("messages_total", "Messages forwarded.", "messages");
    this.#perDirection("bytes_total", "Payload bytes forwarded.", "bytes");
  }

  /** The metrics of a route; `""` for what happens before a route is known. */
  route(proxy: string, route: string): RouteMetrics {
    const key = `${proxy} ${route}`;
    const known = this.#routes.get(key);
    if (known !== undefined) return known.metrics;
    const labels = { proxy, route };
    const totals: Totals = {
      live: new Set(),
      fromClient: { messages: 0, bytes: 0 },
      fromBackend: { messages: 0, bytes: 0 },
    };
    const metrics = this.#resolve(labels, totals);
    this.#routes.set(key, { labels, totals, metrics });
    return metrics;
  }

  configApplied(proxy: string, generation: number, maxConnections: number, wall: number): void {
    this.#applied.set({ proxy }, wall / 1000);
    this.#generation.set({ proxy }, generation);
    this.#limit.set({ proxy }, maxConnections);
    this.#rejected.inc({ proxy }, 0);
    this.#dropped.inc({ proxy }, 0);
    this.#draining.inc({ proxy }, 0);
  }

  /** Removes the gauges of a proxy that is no longer served. */
  proxyRemoved(proxy: string): void {
    this.certificate(proxy, undefined);
    for (const gauge of [this.#applied, this.#generation, this.#limit, this.#draining]) gauge.remove({ proxy });
  }

  /** There is no config in force any more. */
  configRemoved(proxy: string): void {
    for (const gauge of [this.#applied, this.#generation]) gauge.remove({ proxy });
  }

  configRejected(proxy: string): void {
    this.#rejected.inc({ proxy });
  }

  /** Counts a session that a config change ended although its permission stayed: a defect of ours. */
  configDropped(proxy: string): void {
    this.#dropped.inc({ proxy });
  }

  /** In ms since the epoch; undefined: the listener has no certificate. */
  certificate(proxy: string, validity: { readonly start: number; readonly end: number } | undefined): void {
    for (const gauge of [this.#certificate, this.#certificateStart]) gauge.remove({ proxy });
    if (validity === undefined) return;
    this.#certificate.set({ proxy }, validity.end / 1000);
    this.#certificateStart.set({ proxy }, validity.start / 1000);
  }

  draining(proxy: string, sessions: number): void {
    this.#draining.set({ proxy }, sessions);
  }

  #resolve(labels: { proxy: string; route: string }, totals: Totals): RouteMetrics {
    const opened = this.#opened.labels(labels);
    opened.inc(0);
    const duration = this.#duration.labels(labels);
    const handshakeDuration = this.#handshakeDuration.labels(labels);
    const connect = this.#connect.labels(labels);
    const slow = this.#slow.labels(labels);
    slow.inc(0);
    let used = false;
    return {
      opened: (session) => {
        if (!used) this.#startAtZero(labels);
        used = true;
        totals.live.add(session);
        opened.inc();
      },
      closed: (session, end, seconds) => {
        if (!totals.live.delete(session)) return;
        add(totals.fromClient, session.fromClient);
        add(totals.fromBackend, session.fromBackend);
        this.#closed.inc({ ...labels, code: codeLabel(end.code), reason: end.reason, by: end.by });
        duration.observe(seconds);
      },
      handshake: (status, reason, seconds) => {
        this.#handshakes.inc({ ...labels, status: statusLabel(status), reason });
        handshakeDuration.observe(seconds);
      },
      backendConnect: (seconds) => connect.observe(seconds),
      authentication: (method, reason) => this.#authentications.inc({ ...labels, method, reason }),
      credentialTermination: (reason) => this.#terminations.inc({ ...labels, reason }),
      introspectionNotAsked: (reason) => this.#notAsked.inc({ ...labels, reason }),
      limitHit: (policy, per, action, shadow) => this.#limitHits.counter(labels, policy, per, action, shadow),
      slowConsumer: () => slow.inc(),
    };
  }

  /**
   * Of a series that begins with a burst Prometheus sees no increase. Only for routes that have sessions: a config may have
   * thousands of routes.
   */
  #startAtZero(labels: { proxy: string; route: string }): void {
    for (const reason of PERMISSION_REASONS) this.#terminations.inc({ ...labels, reason }, 0);
    this.#duration.zero(labels);
  }

  #counter(name: string, help: string, more: readonly string[]): Counter {
    const labelNames = [...this.#route, ...more];
    return new Counter({ name: `wsproxy_${name}`, help, labelNames, registers: [this.registry] });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    const labelNames = [...this.#route];
    return new Histogram({ name: `wsproxy_${name}`, help, labelNames, buckets, registers: [this.registry] });
  }

  #proxyGauge(name: string, help: string): Gauge {
    return new Gauge({ name: `wsproxy_${name}`, help, labelNames: ["proxy"], registers: [this.registry] });
  }

  #proxyCounter(name: string, help: string): Counter {
    return new Counter({ name: `wsproxy_${name}`, help, labelNames: ["proxy"], registers: [this.registry] });
  }

  #summed(name: string, help: string, value: (totals: Totals) => number): void {
    const routes = this.#routes;
    new Gauge({
      name: `wsproxy_${name}`,
      help,
      labelNames: [...this.#route],
      registers: [this.registry],
      collect() {
        for (const { labels, totals } of routes.values()) this.set(labels, value(totals));
      },
    });
  }

  #perDirection(name: string, help: string, what: "messages" | "bytes"): void {
    const routes = this.#routes;
    new Counter({
      name: `wsproxy_${name}`,
      help,
      labelNames: [...this.#route, "direction"],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const { labels, totals } of routes.values()) {
          const { live, fromClient, fromBackend } = totals;
          const client = fromClient[what] + sum(live, (session) => session.fromClient[what]);
          const backend = fromBackend[what] + sum(live, (session) => session.fromBackend[what]);
          this.inc({ ...labels, direction: "from_client" }, client);
          this.inc({ ...labels, direction: "from_backend" }, backend);
        }
      },
    });
  }
}

function sum<T>(items: Iterable<T>, value: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += value(item);
  return total;
}

function add(total: DirectionCount, more: DirectionCount): void {
  total.messages += more.messages;
  total.bytes += more.bytes;
}
