import type { Metrics } from "../../dataplane/metrics.ts";

/** Sum of the samples of a metric (its name without `wsproxy_`) whose labels include these. */
export async function sumOf(
  metrics: Metrics,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const metric = (await metrics.registry.getMetricsAsJSON()).find((it) => it.name === `wsproxy_${name}`);
  if (metric === undefined) throw new Error(`no metric wsproxy_${name}`);
  const samples = metric.values as readonly { value: number; labels: Record<string, unknown>; metricName?: string }[];
  const fits = (sample: (typeof samples)[number]): boolean =>
    (sample.metricName ?? metric.name).replace(/_count$/, "") === metric.name &&
    Object.entries(labels).every(([label, value]) => String(sample.labels[label]) === value);
  return samples.filter(fits).reduce((sum, { value }) => sum + value, 0);
}
