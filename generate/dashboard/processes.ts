import { IS_DATAPLANE, POD, PROXY, rate, type Row } from "./panel.ts";

/** Panels about config, data plane processes and the operator. */
export const processes: readonly Row[] = [
  {
    title: "Config",
    panels: [
      {
        title: "Generation in force",
        description:
          "Newest and oldest generation that a pod serves. During a rollout of config they differ for a moment.",
        unit: "none",
        queries: [
          [`max by (proxy) (wsproxy_config_generation{${PROXY}})`, "{{proxy}} newest"],
          [`min by (proxy) (wsproxy_config_generation{${PROXY}})`, "{{proxy}} oldest"],
        ],
      },
      {
        title: "Age of the config",
        description: "Time since a pod last put a config in force.",
        unit: "s",
        queries: [[`time() - max by (proxy) (wsproxy_config_applied_timestamp_seconds{${PROXY}})`, "{{proxy}}"]],
      },
      {
        title: "Rejected configs",
        description: "Configs that a pod refused; its last good config stayed in force.",
        unit: "short",
        queries: [
          [`sum by (proxy) (increase(wsproxy_config_rejected_total{${PROXY}}[$__rate_interval]))`, "{{proxy}}"],
        ],
      },
    ],
  },
  {
    title: "Data plane processes",
    panels: [
      {
        title: "CPU",
        description: "CPU seconds per second, by pod. One process uses a little more than one core at most.",
        unit: "none",
        queries: [
          [`rate(process_cpu_seconds_total{namespace=~"$namespace"}[$__rate_interval]) ${IS_DATAPLANE}`, "{{pod}}"],
        ],
      },
      {
        title: "Memory",
        description: "Resident memory, by pod.",
        unit: "bytes",
        queries: [[`process_resident_memory_bytes${POD}`, "{{pod}}"]],
      },
      {
        title: "Buffer budget",
        description:
          "Share of the buffer budget that is in use, by pod. From 90 % on the pod refuses new sessions and ends sessions with the slowest receivers.",
        unit: "percentunit",
        queries: [
          [
            'wsproxy_buffer_budget_used_bytes{namespace=~"$namespace"} / wsproxy_buffer_budget_bytes{namespace=~"$namespace"}',
            "{{pod}}",
          ],
        ],
      },
      {
        title: "Event loop lag",
        description: "The 99th percentile, by pod. Above about 50 ms the pod is overloaded.",
        unit: "s",
        queries: [[`nodejs_eventloop_lag_p99_seconds${POD}`, "{{pod}}"]],
      },
      {
        title: "Lost log lines",
        description: "Lines lost because the reader of the log did not keep up.",
        unit: "ops",
        queries: [[`sum by (pod) (${rate("wsproxy_log_lines_dropped_total", 'namespace=~"$namespace"')})`, "{{pod}}"]],
      },
    ],
  },
  {
    title: "Operator",
    panels: [
      {
        title: "Leaders",
        description: "Operator processes that lead: one, or for a moment none.",
        unit: "none",
        queries: [["sum(wsproxy_operator_leader)", "leaders"]],
      },
      {
        title: "Passes",
        description: "Passes of the operator over a WebSocketProxy, by result.",
        unit: "ops",
        queries: [["sum by (result) (rate(wsproxy_operator_reconciles_total[$__rate_interval]))", "{{result}}"]],
      },
      {
        title: "Duration of passes",
        description: "From the start of a pass to the write of the status.",
        unit: "s",
        queries: [0.5, 0.99].map((quantile) => [
          `histogram_quantile(${quantile}, sum by (le) (rate(wsproxy_operator_reconcile_duration_seconds_bucket[$__rate_interval])))`,
          `p${quantile * 100}`,
        ]),
      },
      {
        title: "Queue",
        description: "WebSocketProxies that wait for a pass.",
        unit: "short",
        queries: [["max(wsproxy_operator_queue_depth)", "waiting"]],
      },
      {
        title: "Watches restarted",
        description: "By kind. Many at a time: the API server or the network to it has a problem.",
        unit: "ops",
        queries: [["sum by (kind) (rate(wsproxy_operator_watch_restarts_total[$__rate_interval]))", "{{kind}}"]],
      },
    ],
  },
];
