import { readFileSync } from "node:fs";
import type { Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { Metrics } from "../dataplane/metrics.ts";
import { dashboardFile } from "../generate/dashboard/dashboard.ts";
import { OperatorMetrics } from "../operator/metrics.ts";

const page = readFileSync(new URL("../docs/reference/metrics.md", import.meta.url), "utf8");
const [, dataplane = "", operator = "", queries = ""] = page.split(/^## .*$/m);

interface Row {
  readonly name: string;
  readonly type: string;
  readonly labels: string;
}

/** Names that dashboards outside this repository rely on. */
const PROMISED = [
  ...["connections", "connections_opened_total", "connections_closed_total", "connection_duration_seconds"],
  ...["handshakes_total", "handshake_duration_seconds", "backend_connect_duration_seconds", "messages_total"],
  ...["bytes_total", "authentications_total", "credential_terminations_total", "limit_hits_total"],
  ...["paused_connections", "buffered_bytes", "slow_consumers_total", "draining_connections"],
  ...["config_applied_timestamp_seconds", "config_generation", "config_rejected_total"],
  ...["buffer_budget_bytes", "config_dropped_sessions_total", "certificate_expiry_timestamp_seconds"],
  ...["evicted_sockets_total", "event_loop_delay_seconds"],
  ...["operator_reconciles_total", "operator_reconcile_duration_seconds", "operator_queue_depth"],
  ...["operator_watch_restarts_total", "operator_leader", "operator_webhook_certificate_expiry_timestamp_seconds"],
].map((name) => `wsproxy_${name}`);

const ofDataplane = new Metrics();
ofDataplane.process.logDropped(() => 0);
ofDataplane.process.bufferBudget({ limit: 0, used: 0, ended: 0 });
ofDataplane.process.showSockets({ descriptors: { most: 1, used: 0 }, room: { reading: 0, unread: 0 } });
ofDataplane.process.showProxies(() => []);
ofDataplane.process.showStreams({ places: 0, lost: { Full: 0, GaveWay: 0, Slow: 0 } });
ofDataplane.process.subjects({ size: 0, forgotten: { limit: 0, process: 0 } });
const ofOperator = new OperatorMetrics([]);
ofOperator.show(() => ({ queueDepth: 0, leading: false, conditions: () => [], exceeded: () => [], retained: () => 0 }));
ofOperator.showCertificate(() => undefined);
ofOperator.showConnections(() => 0);

describe.each([
  ["data plane", dataplane, ofDataplane.registry],
  ["operator", operator, ofOperator.registry],
] as const)("the page of metrics, for the %s,", (_process, section, registry) => {
  test("lists exactly the metrics there are, each with its type and labels", async () => {
    expect(byName(rows(section))).toEqual(byName(await metricsOf(registry)));
  });

  test("says of each what the metric says of itself", async () => {
    const ours = (await registry.getMetricsAsJSON()).filter(({ name }) => name.startsWith("wsproxy_"));
    const row = ({ name, help }: { readonly name: string; readonly help: string }): RegExp =>
      new RegExp(`\\| \`${name}\` .*\\| ${literal(help)}`);
    expect(ours.filter((metric) => !row(metric).test(section)).map(({ name }) => name)).toEqual([]);
  });
});

test("every promised metric is there", () => {
  const names = [...rows(dataplane), ...rows(operator)].map(({ name }) => name);
  expect(PROMISED.filter((name) => !names.includes(name))).toEqual([]);
});

const alerts = readFileSync(new URL("../charts/wsproxy/files/alerts.yaml", import.meta.url), "utf8");

test.each([
  ["queries of the page", queries],
  ["chart's alerts", alerts],
  ["chart's dashboard", dashboardFile],
])("the %s name metrics that there are", (_what, text) => {
  const names = new Set([...rows(dataplane), ...rows(operator)].map(({ name }) => name));
  const asked = [...text.matchAll(/wsproxy_[a-z_]+/g)].map(([name]) => name.replace(/_(?:bucket|count)$/, ""));
  expect(asked.length).toBeGreaterThan(8);
  expect(asked.filter((name) => !names.has(name))).toEqual([]);
});

function rows(section: string): Row[] {
  return [...section.matchAll(/^\| `(wsproxy_\w+)` \| (\w+) \| ([^|]*)\|/gm)].map(
    ([, name = "", type = "", labels = ""]) => ({ name, type, labels: labels.trim() }),
  );
}

async function metricsOf(registry: Registry): Promise<Row[]> {
  const ours = (await registry.getMetricsAsJSON()).filter(({ name }) => name.startsWith("wsproxy_"));
  return ours.map(({ name, type }) => {
    const { labelNames } = registry.getSingleMetric(name) as unknown as { readonly labelNames: readonly string[] };
    return { name, type: String(type), labels: labelNames.join(", ") };
  });
}

function byName(list: readonly Row[]): Row[] {
  return list.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function literal(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
