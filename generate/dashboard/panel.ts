/** A PromQL query of a panel, and the legend of its lines. */
export type Query = readonly [expr: string, legend?: string];

export interface Panel {
  readonly title: string;
  readonly description: string;
  /** A unit as Grafana names it. */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** One number instead of lines over time. */
  readonly stat?: true;
  /** A table of the labels as they are now, the lowest value first. */
  readonly table?: true;
}

/** Panels under one heading. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** Label selectors with the variables of the dashboard. */
export const PROXY = 'namespace=~"$namespace", proxy=~"$proxy"';
export const ROUTE = `${PROXY}, route=~"$route"`;
/** Selects data plane processes among all processes that export Node's metrics; a pod of mode Sidecar may have one more. */
export const IS_DATAPLANE = "and on (namespace, pod, instance) wsproxy_read_path";
export const POD = `{namespace=~"$namespace"} ${IS_DATAPLANE}`;
/** Rate per second. */
export const rate = (metric: string, labels = ROUTE): string => `rate(${metric}{${labels}}[$__rate_interval])`;

/** The 50th, 95th and 99th percentile of a histogram. */
export function quantiles(metric: string, labels = ROUTE): Query[] {
  const at = (quantile: number): string =>
    `histogram_quantile(${quantile}, sum by (le) (rate(${metric}_bucket{${labels}}[$__rate_interval])))`;
  return [0.5, 0.95, 0.99].map((quantile) => [at(quantile), `p${quantile * 100}`]);
}
