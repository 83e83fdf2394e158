import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { OperatorMetrics, type ProxyReport } from "../../operator/metrics.ts";
import { until } from "../fakes/sockets.ts";
import { STORE_LACKS } from "../store/server.ts";
import { OF_STORE, asked, offered, panels, queries, unanswered } from "./dashboard-queries.ts";
import { CHART } from "./helm.ts";
import { Prometheus, prometheusInstalled } from "./prometheus.ts";
import { selectorsOf } from "./selectors.ts";
import { Traffic } from "./traffic.ts";

const READY = ["Accepted", "ResolvedRefs", "Programmed", "Ready"].map((type) => ({
  type,
  status: "True",
  reason: type,
}));

test.skipIf(!prometheusInstalled)(
  "every query of the dashboard returns data from a gateway with traffic (skipped where prometheus is not installed)",
  { timeout: 120_000 },
  async () => {
    const traffic = await Traffic.start();
    const operator = await operatorMetrics();
    const app = await served(APP);
    const prometheus = await Prometheus.start(
      [
        { port: traffic.adminPort, labels: { namespace: "demo", pod: "wsproxy-chat-1" } },
        { port: operator, labels: { namespace: "wsproxy-system", pod: "wsproxy-operator-1" } },
        { port: app, labels: { namespace: "demo", pod: "wsproxy-chat-1" } },
      ],
      join(CHART, "files/alerts.yaml"),
    );
    const end = new AbortController();
    const running = traffic.run(end.signal);
    let missing: string[] = [];
    const everything = async (): Promise<boolean> => {
      missing = await unanswered(prometheus, { without: STORE_LACKS === undefined ? [] : OF_STORE });
      return missing.length === 0;
    };
    await until("data for every query", everything, 60_000).catch(() => {});
    expect(missing).toEqual([]);
    for (const title of ["CPU", "Memory", "Event loop lag"])
      expect([title, await shown(prometheus, title)]).toEqual([title, [[expect.anything(), expect.any(Number)]]]);
    expect(await shown(prometheus, "Stuck rollouts")).toEqual([[{}, 1]]);
    expect(await shown(prometheus, "Not programmed")).toEqual([
      [{ reason: "RolloutStuck" }, 1],
      [{}, 0],
    ]);
    expect(await shown(prometheus, "Conditions")).toContainEqual([
      { proxy: "demo/stuck", condition: "Programmed", reason: "RolloutStuck" },
      0,
    ]);
    expect(await offered(prometheus, "namespace")).toEqual(["demo"]);
    expect(await offered(prometheus, "proxy")).toEqual(["demo/chat", "demo/secure"]);
    expect(await offered(prometheus, "route")).toEqual(["main"]);
    // Prometheus evaluates the rules too: each asks for what there is, and those that fire are right about this gateway.
    const lacking = STORE_LACKS === undefined ? [] : ["WSProxyStoreUnavailable: wsproxy_store_available{}"];
    expect([...new Set(await withoutData(prometheus))]).toEqual(lacking);
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

/** What a panel shows: the labels and the value of each series. */
async function shown(prometheus: Prometheus, title: string): Promise<(readonly [object, number])[]> {
  const exprs = queries.filter((query) => query.title === title).map(({ expr }) => asked(expr));
  const samples = (await Promise.all(exprs.map((expr) => prometheus.query(expr)))).flat();
  return samples.map(({ metric, value }) => [metric, Number(value[1])] as const);
}

/** Alerts that ask for metrics, or labels, that nothing has. */
async function withoutData(prometheus: Prometheus): Promise<string[]> {
  const looks = (await prometheus.rules()).flatMap(({ name, query }) =>
    selectorsOf(query).map(async (selector) => {
      return (await prometheus.query(selector)).length === 0 ? [`${name}: ${selector}`] : [];
    }),
  );
  return (await Promise.all(looks)).flat();
}

/** Metrics of a process beside the data plane in its pod, as in mode Sidecar: Node's own, by the same names. */
const APP = async (): Promise<string> => {
  const seconds = performance.now() / 1000;
  return `process_cpu_seconds_total ${seconds}\nprocess_resident_memory_bytes 1\nnodejs_eventloop_lag_p99_seconds 1\n`;
};

/** Metrics of an operator that leads and has work to do, served for Prometheus like those of a real one. */
async function operatorMetrics(): Promise<number> {
  const metrics = new OperatorMetrics(["Secret"]);
  const conditions = (): ProxyReport[] => [
    ["demo/chat", READY, 2],
    ["demo/stuck", [{ type: "Programmed", status: "False", reason: "RolloutStuck" }], 2],
  ];
  metrics.show(() => ({ queueDepth: 3, leading: true, conditions, exceeded: () => [], retained: () => 0 }));
  metrics.showCertificate(() => Date.parse("2100-01-01"));
  return served(async () => {
    metrics.passed("done", 0.02);
    return metrics.registry.metrics();
  });
}

async function served(text: () => Promise<string>): Promise<number> {
  const server = createServer((_request, response) => void text().then((all) => response.end(all)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
