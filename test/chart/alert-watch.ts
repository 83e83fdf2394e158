import { once } from "node:events";
import { createServer } from "node:http";
import { readFile, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { parse } from "yaml";
import { OperatorMetrics, type ConditionState, type ProxyReport } from "../../operator/metrics.ts";
import { systemClock } from "../../runtime/clock.ts";
import { WsBackend } from "../fakes/backends.ts";
import { WsClient } from "../fakes/clients.ts";
import type { ConfigParts } from "../fakes/config.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { temporaryFolder } from "../fakes/program.ts";
import { until } from "../fakes/sockets.ts";
import { CHART } from "./helm.ts";
import { Prometheus, type Target } from "./prometheus.ts";

export interface Pod {
  readonly gateway: TestGateway;
  readonly target: Target;
}

/** A data plane with its metrics on a port, and its backend. */
export async function pod(name: string): Promise<Pod & { serve(parts: ConfigParts): Promise<void> }> {
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
export async function operator(): Promise<{
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
export class Watch {
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

  /** The name of each alert, and of its proxy if that is not `test/proxy`. */
  async firing(): Promise<string[]> {
    const firing = await this.#prometheus.query('ALERTS{alertstate="firing", alertname!="WSProxyOperatorNotLeading"}');
    return firing.map(({ metric: { alertname = "", namespace, proxy = "test/proxy" } }) => {
      expect(namespace).toBe("test");
      return proxy === "test/proxy" ? alertname : `${alertname} ${proxy}`;
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

export async function clients({ gateway }: Pod, count: number): Promise<WsClient[]> {
  const all: WsClient[] = [];
  for (let n = 0; n < count; n += 1) all.push(await WsClient.open(gateway.url()));
  onTestFinished(() => {
    for (const { socket } of all) socket.terminate();
  });
  return all;
}

/** A pod that begins to drain, and does not end before the test does. */
export function drains({ gateway }: Pod): void {
  const end = new AbortController();
  onTestFinished(() => end.abort());
  void gateway.gateway.drain(3600_000, end.signal);
}
