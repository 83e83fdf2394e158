import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import type { PrometheusApi } from "../chart/prometheus-api.ts";
import type { Cluster } from "./cluster.ts";
import { ofPodMonitor } from "./monitors.ts";
import { startPrometheus } from "./prometheus.ts";
import { ROOT } from "./tools.ts";

const RULES = join(ROOT, "charts/wsproxy/files/alerts.yaml");

/** A real Prometheus with the chart's alerts, which scrapes every operator and every data plane of the cluster. */
export async function startAlerting(cluster: Cluster): Promise<PrometheusApi> {
  const rules = parse(await readFile(RULES, "utf8")) as object;
  return startPrometheus(cluster, ["operator", "dataplane"].map(componentOf), rules);
}

/** The proxies, as `namespace/name`, of which an alert says something: it waits for its time, or fires. */
export async function alertedBy(prometheus: PrometheusApi, alert: string): Promise<string[]> {
  const series = await prometheus.query(`ALERTS{alertname="${alert}"}`);
  return series.map(({ metric }) => metric["proxy"] ?? "").toSorted();
}

function componentOf(component: string) {
  return ofPodMonitor({
    metadata: { name: component },
    spec: {
      namespaceSelector: { any: true },
      selector: { matchLabels: { "app.kubernetes.io/name": "wsproxy", "app.kubernetes.io/component": component } },
      podMetricsEndpoints: [{ port: "admin" }],
    },
  });
}
