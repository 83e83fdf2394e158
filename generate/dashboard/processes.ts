import { POD, PROXY, rate, type Row } from "./panel.ts";

/** What the processes behind them do. */
export const processes: readonly Row[] = [
  {
    title: "Config",
    panels: [
      {
        title: "Generation in force",
        description: "The newest and the oldest that a pod serves: a rollout of config shows as a short gap.",
        unit: "none",
        queries: [
          [`max by (proxy) (wsproxy_config_generation{${PROXY}})`, "{{proxy}} newest"],
          [`min by (proxy) (wsproxy_config_generation{${PROXY}})`, "{{proxy}} oldest"],
        ],
      },
      {
        title: "Age of the config",
        description: "Since the pod that was the last to take over a config did so.",
        unit: "s",
        queries: [[`time() - max by (proxy) (wsproxy_config_applied_timestamp_seconds{${PROXY}})`, "{{proxy}}"]],
      },
      {
        title: "Rejected configs",
        description: "Configs that a pod refused; its last good one stayed.",
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
        description: "Processor seconds a second, by pod. One process uses a little more than one core at most.",
        unit: "none",
        queries: [
          [
            `rate(process_cpu_seconds_total{namespace=~"$namespace"}[$__rate_interval]) and on (namespace, pod) wsproxy_read_path`,
            "{{pod}}",
          ],
        ],
      },
      {
        title: "Memory",
        description: "Resident, by pod.",
        unit: "bytes",
        queries: [[`process_resident_memory_bytes${POD}`, "{{pod}}"]],
      },
      {
        title: "Buffer budget",
        description:
          "Share of the memory for buffers that is in use, by pod. From 90 % on new sessions are refused, and the slowest receivers end.",
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
        description: "The 99th percentile, by pod. More than some 50 ms: the pod has more to do than it can.",
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
        description: "Processes that lead: one, or for a moment none.",
        unit: "none",
        queries: [["sum(wsproxy_operator_leader)", "leaders"]],
      },
      {
        title: "Passes",
        description: "Looks at a WebSocketProxy, by their result.",
        unit: "ops",
        queries: [["sum by (result) (rate(wsproxy_operator_reconciles_total[$__rate_interval]))", "{{result}}"]],
      },
      {
        title: "Duration of passes",
        description: "From the first look to the status.",
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
        title: "Watches begun anew",
        description: "By kind. Many at a time: the API server, or the way to it, has a problem.",
        unit: "ops",
        queries: [["sum by (kind) (rate(wsproxy_operator_watch_restarts_total[$__rate_interval]))", "{{kind}}"]],
      },
    ],
  },
];
