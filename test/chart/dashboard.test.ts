import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { dashboard } from "../../generate/dashboard/dashboard.ts";
import { OperatorMetrics } from "../../operator/metrics.ts";
import { until } from "../fakes/sockets.ts";
import { CHART } from "./helm.ts";
import { Prometheus, prometheusInstalled } from "./prometheus.ts";
import { Traffic } from "./traffic.ts";

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
}
const panels = dashboard.panels as unknown as readonly Panel[];
const queries = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));

const READY = ["Accepted", "ResolvedRefs", "Programmed", "Ready"].map((type) => ({ type, status: "True" }));

/** What stays 0 where everything works, as it does here. */
const QUIET = new Set([
  "Dropped by a config change",
  "Draining sessions",
  "Slow consumers",
  "Buffered",
  "Rejected configs",
  "Lost log lines",
  "Watches begun anew",
]);

test.skipIf(!prometheusInstalled)(
  "every query of the dashboard returns data from a gateway with traffic (skipped where prometheus is not installed)",
  { timeout: 120_000 },
  async () => {
    const traffic = await Traffic.start();
    const operator = await operatorMetrics();
    const prometheus = await Prometheus.start(
      [
        { port: traffic.adminPort, labels: { namespace: "demo", pod: "wsproxy-chat-1" } },
        { port: operator, labels: { namespace: "wsproxy-system", pod: "wsproxy-operator-1" } },
      ],
      join(CHART, "files/alerts.yaml"),
    );
    const end = new AbortController();
    const running = traffic.run(end.signal);
    let missing: string[] = [];
    const everything = async (): Promise<boolean> => {
      const empty = await Promise.all(
        queries.map(async (one) => ((await answered(prometheus, one)) ? [] : [one.title])),
      );
      missing = empty.flat();
      return missing.length === 0;
    };
    await until("data for every query", everything, 60_000).catch(() => {});
    expect(missing).toEqual([]);
    for (const name of ["namespace", "proxy", "route"]) await expectValues(prometheus, name);
    // Rules are evaluated beside it: none has an error, and what fires is true of this gateway.
    expect(
      await prometheus.query(
        'ALERTS{alertstate="firing", severity="critical", alertname!~"WSProxyCertificateExpiring"}',
      ),
    ).toEqual([]);
    end.abort();
    await running;
  },
);

test("panels lie beside each other, and none on another", () => {
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, n) => [x + (n % w), y + Math.floor(n / w)] as const),
  );
  expect(new Set(cells.map(String)).size).toBe(cells.length);
  expect(Math.max(...cells.map(([x]) => x))).toBe(23);
});

test("every panel says what it shows", () => {
  for (const panel of panels.filter(({ targets }) => targets !== undefined))
    expect(panel).toMatchObject({ description: expect.stringMatching(/^.{8,}\.$/) });
});

/** A query as Grafana asks it with all variables at their defaults. */
function asked(expr: string): string {
  return expr.replaceAll("$__rate_interval", "10s").replaceAll(/"\$(?:namespace|proxy|route)"/g, '".*"');
}

async function answered(prometheus: Prometheus, { title, expr }: { title: string; expr: string }): Promise<boolean> {
  const values = (await prometheus.query(asked(expr))).map(({ value }) => Number(value[1]));
  return values.some((value) => (QUIET.has(title) ? value >= 0 : value > 0));
}

async function expectValues(prometheus: Prometheus, name: string): Promise<void> {
  const variable = dashboard.templating.list.find((one) => one.name === name) as { definition: string } | undefined;
  const [, selector = "", label = ""] = /^label_values\((.*), (\w+)\)$/.exec(variable?.definition ?? "") ?? [];
  const wanted = { namespace: ["demo"], proxy: ["demo/chat", "demo/secure"], route: ["main"] }[name];
  expect(label).toBe(name);
  expect(await prometheus.labelValues(label, asked(selector))).toEqual(wanted);
}

/** The operator's metrics, as one that leads and has work to do has them; scraped like its own. */
async function operatorMetrics(): Promise<number> {
  const metrics = new OperatorMetrics(["Secret"]);
  metrics.show(() => ({ queueDepth: 3, leading: true, conditions: () => [["demo/chat", READY]] }));
  const server = createServer((_request, response) => {
    metrics.passed("done", 0.02);
    void metrics.registry.metrics().then((text) => response.end(text));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
