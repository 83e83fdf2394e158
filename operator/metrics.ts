import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { CONDITION_REASONS, type ConditionType } from "../api/conditions.ts";
import { CLOSED, type Closed } from "./admission/port/connections.ts";
import { RESULTS as ADMISSIONS, type Result as Admission } from "./admission/port/exchanges.ts";
import { BUDGETS, type Budget } from "./gather/budgets.ts";
import type { WatchedKind } from "./watch/cache.ts";

/** How a pass ended: all objects are as they should be; the API server refuses an object; the pass failed. */
export type PassEnd = "done" | "refused" | "failed";

const RESULTS: readonly PassEnd[] = ["done", "refused", "failed"];
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Gauges of Node with names that only counters may have (`_total`); the gauges that they sum up stay. */
const MISNAMED = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

/** What the gauges show at the moment of a scrape. */
export interface OperatorState {
  readonly queueDepth: number;
  readonly leading: boolean;
  /** Every WebSocketProxy by its key, the conditions in its status, and how many pods there are to be. */
  readonly conditions: () => Iterable<ProxyReport>;
  /** For each WebSocketProxy, the budgets that it exceeded. */
  readonly exceeded: () => Iterable<readonly Budget[]>;
  /** Bytes that the operator retains of objects that it read. */
  readonly retained: () => number;
}

export type ProxyReport = readonly [
  proxy: string,
  conditions: readonly ConditionState[],
  /** Pods that its Deployment asks for; injected pods that there are. undefined: it has no Deployment. */
  replicas?: number | undefined,
];

/** A condition as it stands in a status. */
export interface ConditionState {
  readonly type: string;
  readonly status: string;
  /** Of the closed set of `CONDITION_REASONS`. */
  readonly reason: string;
}

const CONDITIONS = Object.keys(CONDITION_REASONS) as readonly ConditionType[];

/** Everything under the operator's `/metrics`. Labels come from closed sets only. */
export class OperatorMetrics {
  readonly registry = new Registry();
  readonly #passes = new Counter({
    name: "wsproxy_operator_reconciles_total",
    help: "Passes over one WebSocketProxy, by how they ended.",
    labelNames: ["result"],
    registers: [this.registry],
  });
  readonly #duration = new Histogram({
    name: "wsproxy_operator_reconcile_duration_seconds",
    help: "How long passes took.",
    buckets: SECONDS,
    registers: [this.registry],
  });
  readonly #restarts = new Counter({
    name: "wsproxy_operator_watch_restarts_total",
    help: "Watches that were started again, for whatever reason.",
    labelNames: ["kind"],
    registers: [this.registry],
  });
  readonly #admissions = new Counter({
    name: "wsproxy_operator_admission_requests_total",
    help: "Calls of the webhook, by how they ended.",
    labelNames: ["result"],
    registers: [this.registry],
  });
  readonly #admissionDuration = new Histogram({
    name: "wsproxy_operator_admission_duration_seconds",
    help: "How long calls of the webhook took, from the request head to the answer.",
    buckets: SECONDS,
    registers: [this.registry],
  });
  readonly #closed = new Counter({
    name: "wsproxy_operator_webhook_closed_total",
    help: "Connections that the webhook closed without an answer, by why.",
    labelNames: ["reason"],
    registers: [this.registry],
  });

  /** `namespaces`: how many watches there are of each kind. */
  constructor(kinds: readonly WatchedKind[], namespaces = 1) {
    collectDefaultMetrics({ register: this.registry });
    for (const name of MISNAMED) this.registry.removeSingleMetric(name);
    for (const result of RESULTS) this.#passes.inc({ result }, 0);
    for (const result of ADMISSIONS) this.#admissions.inc({ result }, 0);
    for (const reason of CLOSED) this.#closed.inc({ reason }, 0);
    const watches = new Gauge({
      name: "wsproxy_operator_watches",
      help: "Watches that there are: of each kind one, or one for each namespace that the operator serves.",
      labelNames: ["kind"],
      registers: [this.registry],
    });
    for (const kind of kinds) {
      this.#restarts.inc({ kind }, 0);
      watches.set({ kind }, namespaces);
    }
  }

  /** Where the gauges read their values. */
  show(state: () => OperatorState): void {
    this.#gauge("queue_depth", "WebSocketProxies that wait to be looked at.", () => state().queueDepth);
    this.#gauge("kept_bytes", "What is kept of objects that were read, in bytes, about.", () => state().retained());
    this.#gauge("leader", "1 where this process is the one that works.", () => (state().leading ? 1 : 0));
    this.#showBudgets(state);
    this.#showReplicas(state);
    new Gauge({
      name: "wsproxy_operator_proxy_condition",
      help: "1 where a condition of a WebSocketProxy is True, else 0, with its reason; told by the process that leads.",
      labelNames: ["proxy", "condition", "reason"],
      registers: [this.registry],
      collect() {
        this.reset();
        const { leading, conditions } = state();
        if (!leading) return;
        for (const [proxy, known] of conditions()) {
          for (const condition of CONDITIONS) {
            const { status, reason = "" } = known.find(({ type }) => type === condition) ?? {};
            this.set({ proxy, condition, reason }, status === "True" ? 1 : 0);
          }
        }
      },
    });
  }

  #showReplicas(state: () => OperatorState): void {
    new Gauge({
      name: "wsproxy_operator_proxy_replicas",
      help: "Pods that the Deployment of a WebSocketProxy asks for, or with mode Sidecar its injected pods; told by the process that leads.",
      labelNames: ["proxy"],
      registers: [this.registry],
      collect() {
        this.reset();
        const { leading, conditions } = state();
        if (!leading) return;
        for (const [proxy, , replicas] of conditions()) if (replicas !== undefined) this.set({ proxy }, replicas);
      },
    });
  }

  #showBudgets(state: () => OperatorState): void {
    new Gauge({
      name: "wsproxy_operator_budget_exceeded",
      help: "WebSocketProxies that want more than the operator reads for one, by what there is too much of.",
      labelNames: ["budget"],
      registers: [this.registry],
      collect() {
        const all = [...state().exceeded()];
        for (const budget of BUDGETS) this.set({ budget }, all.filter((some) => some.includes(budget)).length);
      },
    });
  }

  /** Shows when the webhook's certificate expires (ms since the epoch); undefined: there is none yet. */
  showCertificate(expiry: () => number | undefined): void {
    new Gauge({
      name: "wsproxy_operator_webhook_certificate_expiry_timestamp_seconds",
      help: "When the certificate expires that this process serves to the API server; no sample while it has none.",
      registers: [this.registry],
      collect() {
        const at = expiry();
        if (at === undefined) this.remove();
        else this.set(at / 1000);
      },
    });
  }

  passed(result: PassEnd, seconds: number): void {
    this.#passes.inc({ result });
    this.#duration.observe(seconds);
  }

  /** A call of the webhook ended. */
  admitted(result: Admission, seconds: number): void {
    this.#admissions.inc({ result });
    this.#admissionDuration.observe(seconds);
  }

  webhookClosed(reason: Closed): void {
    this.#closed.inc({ reason });
  }

  /** Shows how many connections the webhook has; without a webhook there is no sample. */
  showConnections(open: () => number): void {
    this.#gauge("webhook_connections", "Connections to the webhook that are open.", open);
  }

  watchRestarted(kind: WatchedKind): void {
    this.#restarts.inc({ kind });
  }

  #gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      name: `wsproxy_operator_${name}`,
      help,
      registers: [this.registry],
      collect() {
        this.set(value());
      },
    });
  }
}
