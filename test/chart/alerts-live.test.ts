import { once } from "node:events";
import { createServer } from "node:http";
import { readFile, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import type { Config } from "../../api/config.ts";
import { OperatorMetrics, type ConditionState, type ProxyReport } from "../../operator/metrics.ts";
import { systemClock } from "../../runtime/clock.ts";
import { WsBackend } from "../fakes/backends.ts";
import { keyPair } from "../fakes/certificates.ts";
import { WsClient } from "../fakes/clients.ts";
import { configOf, endpointsOf, type ConfigParts } from "../fakes/config.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { temporaryFolder } from "../fakes/program.ts";
import { until } from "../fakes/sockets.ts";
import { CHART } from "./helm.ts";
import { Prometheus, prometheusInstalled, type Target } from "./prometheus.ts";

// The alerts against a real Prometheus that scrapes real data planes. The rules have no `for` here: each alert fires at once.

const PROXY = { namespace: "test", proxy: "test/proxy" };

interface Pod {
  readonly gateway: TestGateway;
  readonly target: Target;
}

/** A data plane with its metrics on a port, and its backend. */
async function pod(name: string): Promise<Pod & { serve(parts: ConfigParts): Promise<void> }> {
  const gateway = new TestGateway();
  const backend = await new WsBackend().open();
  onTestFinished(async () => {
    await gateway.close();
    await backend.close();
  });
  const port = await served(() => gateway.metrics.registry.metrics());
  const serve = async (parts: ConfigParts): Promise<void> => {
    await gateway.serve(parts, [backend.port]);
  };
  return { gateway, serve, target: { port, labels: { namespace: "test", pod: name } } };
}

/** An operator's metrics with conditions that a test sets. */
async function operator(): Promise<{
  target: Target;
  set(conditions: Readonly<Record<string, string>>, replicas?: number): void;
}> {
  let now: readonly ConditionState[] = [];
  const metrics = new OperatorMetrics(["Secret"]);
  let wanted = 2;
  const conditions = (): ProxyReport[] => [["test/proxy", now, wanted]];
  metrics.show(() => ({ queueDepth: 0, leading: true, conditions, exceeded: () => [], retained: () => 0 }));
  const port = await served(() => metrics.registry.metrics());
  return {
    target: { port, labels: { namespace: "wsproxy-system", pod: "operator" } },
    set: (reasons, replicas = 2) => {
      wanted = replicas;
      now = Object.entries(reasons).map(([type, reason]) => {
        const holds = reason === type || reason === "PartiallyAccepted";
        return { type, reason, status: holds ? "True" : "False" };
      });
    },
  };
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

/** A Prometheus, and which alerts of the proxy fire. */
class Watch {
  readonly #prometheus: Prometheus;

  private constructor(prometheus: Prometheus) {
    this.#prometheus = prometheus;
  }

  static async on(...targets: readonly Target[]): Promise<Watch> {
    const rules = parse(await readFile(join(CHART, "files/alerts.yaml"), "utf8")) as {
      groups: { rules: { for?: string }[] }[];
    };
    for (const { rules: some } of rules.groups) for (const rule of some) delete rule.for;
    const file = join(await temporaryFolder(), "rules.json"); // JSON is YAML
    await writeFile(file, JSON.stringify(rules));
    return new Watch(await Prometheus.start(targets, file));
  }

  async firing(): Promise<string[]> {
    const firing = await this.#prometheus.query('ALERTS{alertstate="firing", alertname!="WSProxyOperatorNotLeading"}');
    return firing.map(({ metric: { alertname = "", namespace, proxy = "test/proxy" } }) => {
      expect({ namespace, proxy }).toEqual(PROXY);
      return alertname;
    });
  }

  /** Waits until these alerts fire, and no other. */
  async expectFiring(...names: readonly string[]): Promise<void> {
    let now: string[] = [];
    const same = async (): Promise<boolean> => {
      now = [...new Set(await this.firing())].toSorted();
      return now.join() === [...names].toSorted().join();
    };
    await until(`only ${names.join(", ") || "no alert"} to fire`, same, 30_000).catch((cause: unknown) => {
      throw new Error(`${String(cause)}; firing: ${now.join(", ")}`, { cause });
    });
  }

  /** Waits until everything has been scraped and evaluated since now. */
  async seen(): Promise<void> {
    const begun = systemClock.wall() / 1000 + 2.5;
    const scraped = async (): Promise<boolean> => {
      const [first] = await this.#prometheus.query("min(timestamp(up))");
      return Number(first?.value[1] ?? 0) > begun;
    };
    await until("a scrape and an evaluation", scraped, 30_000);
  }
}

async function clients({ gateway }: Pod, count: number): Promise<WsClient[]> {
  const all: WsClient[] = [];
  for (let n = 0; n < count; n += 1) all.push(await WsClient.open(gateway.url()));
  onTestFinished(() => {
    for (const { socket } of all) socket.terminate();
  });
  return all;
}

/** A pod that begins to drain, and does not end before the test does. */
function drains({ gateway }: Pod): void {
  const end = new AbortController();
  onTestFinished(() => end.abort());
  void gateway.gateway.drain(3600_000, end.signal);
}

describe.skipIf(!prometheusInstalled)("(skipped where prometheus is not installed)", { timeout: 120_000 }, () => {
  test("a pod is behind and catches up; a new one is behind and drains", async () => {
    const [a, b, late] = [await pod("a"), await pod("b"), await pod("late")];
    const [before, after] = [{ routes: [{ name: "main" }] }, { routes: [{ name: "other" }] }];
    for (const one of [a, b]) await one.serve(before);
    const watch = await Watch.on(a.target, b.target, late.target);
    await watch.seen();
    await watch.expectFiring();
    await b.serve(after); // the same generation, as after a change of a key
    await watch.expectFiring("WSProxyConfigBehind");
    await a.serve(after);
    await watch.expectFiring();
    await late.serve(before);
    await watch.expectFiring("WSProxyConfigBehind");
    drains(late);
    await watch.expectFiring();
  });

  test("a pod refuses a config from its first moment on, another one while it serves; one recovers, one drains", async () => {
    const [a, b] = [await pod("a"), await pod("b")];
    const bad = { ...configOf(), fromTheFuture: 1 } as unknown as Config;
    await a.gateway.apply(bad, endpointsOf([]));
    await b.serve({});
    const watch = await Watch.on(a.target, b.target);
    await watch.expectFiring("WSProxyConfigRejected");
    await b.gateway.apply(bad, endpointsOf([]));
    await a.serve({});
    await watch.seen();
    await watch.expectFiring("WSProxyConfigRejected");
    drains(b);
    await watch.expectFiring();
  });

  test("a pod is full and its certificate ends soon; then it drains, for as long as it takes", async () => {
    const [full, old] = [await pod("full"), await pod("old")];
    await full.serve({ maxConnections: 10 });
    const soon = await keyPair(new Date(Date.now() + 600_000), new Date(Date.now() - 86_400_000 * 90));
    await old.serve({ tls: { keyPair: soon } });
    const watch = await Watch.on(full.target, old.target);
    await clients(full, 8);
    await watch.seen();
    // Their configs differ too: that one pod has no TLS is told as well.
    await watch.expectFiring("WSProxyCertificateExpiring", "WSProxyConfigBehind");
    await clients(full, 1);
    await watch.expectFiring("WSProxyCertificateExpiring", "WSProxyConfigBehind", "WSProxyNearConnectionLimit");
    drains(old);
    await watch.expectFiring("WSProxyNearConnectionLimit");
    drains(full);
    await watch.expectFiring();
    expect(full.gateway.sessions).toBe(9);
  });

  test("most clients of a new pod lose their permission in one moment", async () => {
    const a = await pod("a");
    await a.serve({});
    const all = await clients(a, 30);
    const watch = await Watch.on(a.target);
    await watch.seen();
    await watch.expectFiring();
    await a.serve({ routes: [{ policies: { deny: { clients: [], tokenIds: [], addresses: ["127.0.0.1"] } } }] });
    await Promise.all(all.map((one) => one.close()));
    await watch.expectFiring("WSProxyPermissionsLost");
  });

  test("clients leave a new pod all at once, of their own will", async () => {
    const a = await pod("a");
    await a.serve({});
    const all = await clients(a, 30);
    const watch = await Watch.on(a.target);
    await watch.seen();
    for (const { socket } of all) socket.close(1001);
    await a.gateway.empty();
    await watch.seen();
    await watch.expectFiring();
  });

  test("the conditions that an operator tells", async () => {
    const its = await operator();
    const good = { Accepted: "Accepted", ResolvedRefs: "ResolvedRefs", Programmed: "Programmed", Ready: "Ready" };
    its.set(good);
    const watch = await Watch.on(its.target);
    await watch.seen();
    await watch.expectFiring();
    its.set({ ...good, Programmed: "RolloutStuck" });
    await watch.expectFiring("WSProxyRolloutStuck");
    its.set({ ...good, Programmed: "RolloutStuck", Ready: "NoReadyPods" });
    await watch.expectFiring("WSProxyNotReady", "WSProxyRolloutStuck");
    its.set({ ...good, Programmed: "RollingOut" });
    await watch.expectFiring();
    its.set({ ...good, Programmed: "NotApplied" });
    await watch.expectFiring("WSProxyNotApplied");
    its.set({ ...good, Accepted: "Invalid", Programmed: "NotAccepted" });
    await watch.expectFiring("WSProxyNotAccepted");
    its.set({ ...good, Accepted: "PartiallyAccepted" });
    await watch.expectFiring();
    its.set({ ...good, Programmed: "Pending", Ready: "NoReadyPods" });
    await watch.expectFiring("WSProxyNotReady");
    its.set({ ...good, Ready: "NoReadyPods" }, 0); // scaled to zero
    await watch.expectFiring();
    its.set({ ...good, Accepted: "Invalid", Programmed: "NotAccepted", Ready: "NoReadyPods" }, 0);
    await watch.expectFiring("WSProxyNotAccepted");
  });
});
