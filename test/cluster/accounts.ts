import type { PrometheusApi } from "../chart/prometheus-api.ts";
import type { Entry, Line } from "./entry.ts";

/** A query, and its value by what the clients saw. */
export interface Account {
  readonly query: string;
  readonly value: number;
}

/** What the metrics of a proxy must say of these handshakes and sessions, none of which was with another proxy. */
export function accountsOf(proxy: string, entries: readonly Entry[], longest: number): Account[] {
  const account = (metric: string, labels: Readonly<Record<string, string>>, value: number): Account => {
    const all = Object.entries({ proxy, ...labels }).map(([name, label]) => `${name}="${label}"`);
    return { query: `sum(wsproxy_${metric}{${all.join(", ")}})`, value };
  };
  const opened = entries.filter((entry) => entry.opened !== undefined);
  const closes = countsOf(opened.flatMap(({ closed }) => (closed === undefined ? [] : [String(closed.code)])));
  const refusals = countsOf(entries.flatMap(({ refused }) => (refused ? [`${refused.status} ${refused.reason}`] : [])));
  const routes = Object.entries(Object.groupBy(opened, ({ url }) => new URL(url).pathname.slice(1)));
  return [
    account("connections_opened_total", {}, opened.length),
    account("connections", {}, opened.filter(({ closed }) => closed === undefined).length),
    account("connection_duration_seconds_count", {}, opened.filter(({ closed }) => closed !== undefined).length),
    account("handshakes_total", {}, entries.length),
    account("handshakes_total", { status: "101" }, opened.length),
    ...refusals.map(([said, count]) => {
      const [status = "", reason = ""] = said.split(" ");
      return account("handshakes_total", { status, reason }, count);
    }),
    ...closes.map(([code, count]) => account("connections_closed_total", { code }, count)),
    ...routes.flatMap(([route, those = []]) => {
      const sent = those.flatMap((entry) => entry.sent).filter(({ text }) => text.length <= longest);
      const received = those.flatMap((entry) => entry.received);
      return [
        account("messages_total", { route, direction: "from_client" }, sent.length),
        account("messages_total", { route, direction: "from_backend" }, received.length),
        account("bytes_total", { route, direction: "from_client" }, bytesOf(sent)),
        account("bytes_total", { route, direction: "from_backend" }, bytesOf(received)),
      ];
    }),
  ];
}

/** Those that Prometheus has other values of, in words. */
export async function differences(prometheus: PrometheusApi, accounts: readonly Account[]): Promise<string[]> {
  const found = accounts.map(async ({ query, value }) => {
    const [sample] = await prometheus.query(query);
    return Number(sample?.value[1]) === value ? [] : [`${query} is ${sample?.value[1]} instead of ${value}`];
  });
  return (await Promise.all(found)).flat();
}

function countsOf(values: readonly string[]): [string, number][] {
  return Object.entries(Object.groupBy(values, (value) => value)).map(([value, all = []]) => [value, all.length]);
}

function bytesOf(lines: readonly Line[]): number {
  return lines.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
}
