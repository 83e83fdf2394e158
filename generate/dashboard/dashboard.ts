import { PROXY, type Panel } from "./panel.ts";
import { processes } from "./processes.ts";
import { rollouts } from "./rollouts.ts";
import { sessions } from "./sessions.ts";
import { store } from "./store.ts";
import { traffic } from "./traffic.ts";

const DATASOURCE = { type: "prometheus", uid: "$datasource" };
const WIDTH = 24;
const HEIGHT = 8;
const STAT_HEIGHT = 4;

/** The Grafana dashboard; its queries use documented metrics only. */
export const dashboard = {
  title: "wsproxy",
  uid: "wsproxy",
  description: "WebSocket gateways: their sessions, handshakes, traffic, limits and config, and the operator.",
  tags: ["wsproxy", "websocket"],
  schemaVersion: 39,
  editable: true,
  refresh: "30s",
  time: { from: "now-1h", to: "now" },
  templating: {
    list: [
      { name: "datasource", label: "Data source", type: "datasource", query: "prometheus" },
      variable("namespace", "Namespace", "label_values(wsproxy_config_generation, namespace)"),
      variable("proxy", "Proxy", 'label_values(wsproxy_config_generation{namespace=~"$namespace"}, proxy)'),
      variable("route", "Route", `label_values(wsproxy_connections{${PROXY}}, route)`),
    ],
  },
  panels: laidOut(),
};

/** The text of the chart's file. */
export const dashboardFile = `${JSON.stringify(dashboard, undefined, 1)}\n`;

/**
 * A variable with "All" as default: the route is empty for what is counted before routing, and only `.*` matches that.
 */
function variable(name: string, label: string, query: string) {
  return {
    name,
    label,
    type: "query",
    datasource: DATASOURCE,
    query: { query, refId: name },
    definition: query,
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: ".*",
    current: { text: ["All"], value: ["$__all"] },
  };
}

function laidOut(): object[] {
  const laid: object[] = [];
  let y = 0;
  for (const { title, panels } of [...sessions, ...traffic, ...store, ...rollouts, ...processes]) {
    laid.push({
      id: laid.length + 1,
      type: "row",
      title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y, w: WIDTH, h: 1 },
    });
    y += 1;
    const inRow = panels.every(({ stat }) => stat) ? panels.length : 3;
    const h = panels.every(({ stat }) => stat) ? STAT_HEIGHT : HEIGHT;
    const w = WIDTH / inRow;
    for (const [index, panel] of panels.entries()) {
      const gridPos = { x: (index % inRow) * w, y: y + Math.floor(index / inRow) * h, w, h };
      laid.push({ id: laid.length + 1, ...drawn(panel), gridPos });
    }
    y += Math.ceil(panels.length / inRow) * h;
  }
  return laid;
}

function drawn(panel: Panel): object {
  const { title, description, unit, queries, table } = panel;
  const { type, ...form } = formOf(panel);
  return {
    type,
    title,
    description,
    datasource: DATASOURCE,
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    ...form,
    targets: queries.map(([expr, legendFormat = ""], index) => ({
      refId: String.fromCodePoint(0x41 + index),
      datasource: DATASOURCE,
      expr,
      legendFormat,
      ...(table === true ? { format: "table", instant: true } : {}),
    })),
  };
}

/** What Grafana draws a panel as. */
interface Form {
  readonly type: string;
  readonly options: object;
  readonly transformations?: readonly object[];
}

function formOf({ stat, table }: Panel): Form {
  if (stat === true) return { type: "stat", options: { reduceOptions: { calcs: ["lastNotNull"] } } };
  if (table !== true) return { type: "timeseries", options: { tooltip: { mode: "multi", sort: "desc" } } };
  return {
    type: "table",
    options: { sortBy: [{ displayName: "Value", desc: false }] },
    transformations: [{ id: "organize", options: { excludeByName: { Time: true } } }],
  };
}
