import { dashboard } from "../../generate/dashboard/dashboard.ts";
import { store } from "../../generate/dashboard/store.ts";
import type { PrometheusApi } from "./prometheus-api.ts";

/** A panel of the dashboard in Grafana's form. */
export interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
}

export interface Query {
  readonly title: string;
  readonly expr: string;
}

export const panels = dashboard.panels as unknown as readonly Panel[];
/** Every query of the dashboard, by the title of its panel. */
export const queries: readonly Query[] = panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => ({ title, expr })),
);

/** Titles of panels that show 0 while everything works. */
const QUIET: ReadonlySet<string> = new Set([
  "Dropped by a config change",
  "Draining sessions",
  "Slow consumers",
  "Buffered",
  "Buffer budget",
  "Rejected configs",
  "Not programmed",
  "Stuck rollouts",
  "Lost log lines",
  "Watches restarted",
]);

/** Titles of panels that are empty where no proxy has a store. */
export const OF_STORE: readonly string[] = store.flatMap(({ panels: some }) => some.map(({ title }) => title));

/** A query as Grafana sends it with all variables at their defaults. */
export function asked(expr: string): string {
  return expr.replaceAll("$__rate_interval", "10s").replaceAll(/\$(?:namespace|proxy|route)\b/g, ".*");
}

/**
 * Titles of queries without data, or with zeros only although they should show more. `quiet`: further titles that may
 * be 0. `without`: titles that are not asked about.
 */
export async function unanswered(
  prometheus: PrometheusApi,
  { quiet = [], without = [] }: { readonly quiet?: readonly string[]; readonly without?: readonly string[] } = {},
): Promise<string[]> {
  const empty = queries.map(async ({ title, expr }) => {
    if (without.includes(title)) return [];
    const values = (await prometheus.query(asked(expr))).map(({ value }) => Number(value[1]));
    const mayBeZero = QUIET.has(title) || quiet.includes(title);
    return values.some((value) => (mayBeZero ? value >= 0 : value > 0)) ? [] : [title];
  });
  return (await Promise.all(empty)).flat();
}

/** The values that Grafana offers for a variable of the dashboard. */
export function offered(prometheus: PrometheusApi, variable: string): Promise<readonly string[]> {
  const found = dashboard.templating.list.find((one) => one.name === variable) as { definition: string } | undefined;
  const [, selector = "", label = ""] = /^label_values\((.*), (\w+)\)$/.exec(found?.definition ?? "") ?? [];
  if (label !== variable) throw new Error(`the dashboard has no variable for the label ${variable}`);
  return prometheus.labelValues(label, asked(selector));
}
