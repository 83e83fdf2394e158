import assert from "node:assert/strict";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { V1Pod } from "@kubernetes/client-node";
import { KINDS, pathOf } from "../../../operator/kube/kinds.ts";
import { OF_STORE, offered, unanswered } from "../../chart/dashboard-queries.ts";
import { Authority } from "../../fakes/certificates.ts";
import { dataOf } from "../alert-data.ts";
import { accountsOf, differences } from "../accounts.ts";
import { SYSTEM, type Cluster } from "../cluster.ts";
import { byAnnotations, ofPodMonitor, ofServiceMonitor, type PodMonitor, type ServiceMonitor } from "../monitors.ts";
import { ObservedTraffic } from "../observed-traffic.ts";
import { startPrometheus } from "../prometheus.ts";
import { scenario } from "../scenario.ts";
import { ROOT } from "../tools.ts";
import { apiKeys, byApiKey, sampleBackend, tlsSecret } from "../workloads.ts";

const MONITORING = "monitoring.coreos.com/v1";
const MONITORING_CRDS = join(ROOT, "test/apiserver/monitoring-crds.yaml");
const NAMESPACE = "observability";
const CHAT = `${NAMESPACE}/chat`;
/** Bytes of a message that its route takes. */
const LONGEST_MESSAGE = 1024;
const SCRAPED = { "prometheus.io/scrape": "true", "prometheus.io/port": "9090" };

function spec(replicas: number, rest: object): object {
  const backends = [{ service: "sample-backend", port: "ws" }];
  return {
    gateway: { replicas, pod: { annotations: SCRAPED } },
    dataplane: { drain: { period: "2s" } },
    policies: byApiKey,
    routes: [
      {
        name: "main",
        path: { value: "/main" },
        backends,
        policies: { messageSize: { fromClient: String(LONGEST_MESSAGE) } },
      },
      {
        name: "slow",
        path: { value: "/slow" },
        backends,
        policies: {
          messages: { fromClient: [{ per: "Connection", limit: 5, interval: "1s", onExceed: "Delay" }] },
        },
      },
      { name: "empty", path: { value: "/empty" }, backends: [{ service: "empty-backend", port: "ws" }] },
    ],
    ...rest,
  };
}

export const needs = ["prometheus"];

export default scenario("observability: what Prometheus says is what the clients saw", async (cluster, report) => {
  await installMonitored(cluster);
  await cluster.namespace(NAMESPACE);
  const authority = await Authority.create();
  const certificate = await authority.issue({
    names: ["secure.test"],
    notAfter: new Date(Date.now() + 90 * 86_400_000),
  });
  await cluster.apply(
    NAMESPACE,
    ...sampleBackend(),
    ...sampleBackend("empty-backend", 0),
    apiKeys("keys", ["alice", "bob"]),
    tlsSecret("listener", certificate),
  );
  await cluster.rolledOut(NAMESPACE, "sample-backend");
  const url = await cluster.proxy(NAMESPACE, "chat", spec(2, {}));
  await cluster.proxy(NAMESPACE, "secure", spec(1, { listener: { tls: { secretName: "listener" } } }));

  const prometheus = await report.step("Prometheus takes the chart's monitors and rules", async () => {
    const object = <T>(kind: string, name: string): Promise<T> => monitoringObject<T>(cluster, kind, name);
    const pods = await object<PodMonitor>("PodMonitor", "wsproxy-operator-dataplane");
    const operator = await object<ServiceMonitor>("ServiceMonitor", "wsproxy-operator");
    const { spec: rules } = await object<{ spec: object }>("PrometheusRule", "wsproxy-operator");
    return startPrometheus(cluster, [ofPodMonitor(pods), ofServiceMonitor(operator), byAnnotations], rules);
  });

  await report.step("by the monitors and by annotations it finds the same pods, and scrapes them all", async () => {
    let states = "";
    const agreed = async (): Promise<boolean> => {
      const [wanted, targets] = [await ourPods(cluster), await prometheus.targets()];
      states = targets
        .map(({ scrapePool, labels, health, lastError }) => `${scrapePool}: ${labels["pod"]} ${health} ${lastError}`)
        .join("\n");
      const found = (annotated: boolean): string[] =>
        targets
          .filter(({ scrapePool, health }) => (scrapePool === byAnnotations.name) === annotated && health === "up")
          .map(({ labels }) => `${labels["namespace"]}/${labels["pod"]}`)
          .toSorted();
      return [found(true), found(false)].every((pods) => isDeepStrictEqual(pods, wanted));
    };
    await cluster.until("the pods are found and scraped", agreed).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${states}`, { cause: error });
    });
    report.figure("pods scraped", String((await ourPods(cluster)).length));
  });

  const traffic = new AbortController();
  const running = new ObservedTraffic(cluster, NAMESPACE, url, LONGEST_MESSAGE).run(traffic.signal);
  running.catch(() => {}); // it is awaited in the end
  await report.step("under traffic of every kind each query of the dashboard has data", async () => {
    let missing: string[] = [];
    const everything = async (): Promise<boolean> => {
      missing = await unanswered(prometheus, { quiet: ["Queue"], without: OF_STORE });
      return missing.length === 0;
    };
    // Where the traffic fails there is no data, and no need to wait for it.
    await Promise.race([cluster.until("data", everything).catch(() => {}), running]);
    assert.deepEqual(missing, []);
    for (const [variable, values] of Object.entries({
      namespace: [NAMESPACE],
      proxy: [CHAT, `${NAMESPACE}/secure`],
      route: ["main", "slow", "empty"],
    })) {
      const choice = await offered(prometheus, variable);
      for (const value of values) assert.ok(choice.includes(value), `${variable}: ${choice.join(", ")}`);
    }
  });
  traffic.abort();
  await running;

  await report.step("each alert's expression has data, none is at fault, and none fires", async () => {
    const rules = await prometheus.rules();
    assert.ok(rules.length >= 10);
    let wrong: string[] = [];
    // A pod whose last scrape took too long has no data until the next one.
    const allRight = async (): Promise<boolean> => {
      wrong = [];
      for (const { name, query, health } of await prometheus.rules()) {
        if (health !== "ok") wrong.push(`${name} is ${health}`);
        if (query.includes("wsproxy_store_")) continue; // no proxy here has a store
        if ((await prometheus.query(dataOf(query))).length === 0) wrong.push(`${name} has no data: ${dataOf(query)}`);
      }
      return wrong.length === 0;
    };
    await cluster.until("all have data", allRight, 30_000).catch(() => {});
    assert.deepEqual(wrong, []);
    assert.deepEqual(await prometheus.query('ALERTS{alertstate="firing"}'), []);
    report.figure("alerts evaluated", String(rules.length));
  });

  await report.step("sessions, handshakes, closes, messages and bytes are those of the ledger", async () => {
    const accounts = accountsOf(CHAT, cluster.ledger.entries, LONGEST_MESSAGE);
    let wrong: string[] = [];
    const equal = async (): Promise<boolean> => {
      wrong = await differences(prometheus, accounts);
      return wrong.length === 0;
    };
    await cluster.until("the counts are equal", equal, 60_000).catch(() => {});
    assert.deepEqual(wrong, []);
    report.figure("counts equal to the ledger's", `${accounts.length}, of ${cluster.ledger.entries.length} handshakes`);
  });
});

/** With monitors, rules and annotations; without them again when the scenario is over. */
async function installMonitored(cluster: Cluster): Promise<void> {
  await cluster.kubectl("apply", "-f", MONITORING_CRDS);
  cluster.onEnd(() => cluster.kubectl("delete", "-f", MONITORING_CRDS, "--ignore-not-found"));
  await cluster.kubectl("wait", "--for=condition=Established", "-f", MONITORING_CRDS, "--timeout=30s");
  // Established is not yet served: helm would not know them.
  const served = (kind: string): Promise<boolean> =>
    cluster.kubectl("get", `${kind}.${MONITORING.replace(/\/.*/, "")}`, "--all-namespaces").then(
      () => true,
      () => false,
    );
  for (const kind of ["podmonitors", "servicemonitors", "prometheusrules"])
    await cluster.until(`${kind} are served`, () => served(kind));
  cluster.onEnd(() => cluster.install());
  const values = [
    "monitoring.enabled=true",
    'monitoring.namespaces=["monitoring"]',
    `pod.annotations=${JSON.stringify(SCRAPED)}`,
  ];
  await cluster.install(...values.flatMap((value) => ["--set-json", value]));
}

async function monitoringObject<T>(cluster: Cluster, kind: string, name: string): Promise<T> {
  const found = await cluster.get<T>({ apiVersion: MONITORING, kind, plural: `${kind.toLowerCase()}s` }, SYSTEM, name);
  if (found === undefined) throw new Error(`the chart made no ${kind} ${name}`);
  return found;
}

/** Every pod of ours in the cluster, as namespace/name. */
async function ourPods(cluster: Cluster): Promise<string[]> {
  const labelSelector = "app.kubernetes.io/name=wsproxy,app.kubernetes.io/component in (operator,dataplane)";
  const { items } = await cluster.api.request<{ items: V1Pod[] }>({
    path: pathOf(KINDS.Pod),
    query: { labelSelector },
  });
  return items.map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`).toSorted();
}
