import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { keyOf } from "../../fakes/api-keys.ts";
import { samples } from "../admin-port.ts";
import { alertedBy, startAlerting } from "../alerting.ts";
import { Arrivals, reasonsOf } from "../arrivals.ts";
import { SYSTEM, type Cluster } from "../cluster.ts";
import { isServing, reached } from "../dataplane.ts";
import { gracefulBackend } from "../graceful-backend.ts";
import { operatorPods } from "../operator-pods.ts";
import { columns } from "../printed-columns.ts";
import { eventsOf, eventsSince } from "../proxy-events.ts";
import { scenario } from "../scenario.ts";
import { StatusHistory } from "../status-history.ts";
import { isObserved, proxyManifest, readProxy } from "../web-socket-proxy.ts";
import { apiKeys, byApiKey, sampleBackend } from "../workloads.ts";

const NAMESPACE = "steady";
const NAME = "chat";
const PROXY = `${NAMESPACE}/${NAME}`;
const ROUNDS = 3;
/** What each round makes of the backend's three pods. */
const SIZES = [5, 1, 3];
/** How long a pod may be behind before the conditions say so, and a pass more; in ms. */
const TOLD = 15_000;

const backends = [{ service: "sample-backend", port: "ws" }];
const open = {
  name: "open",
  path: { value: "/open" },
  backends,
  policies: { authentication: { require: "None" } },
};
/** Its backend has no pod, from the beginning to the end. */
const spare = {
  ...open,
  name: "spare",
  path: { value: "/spare" },
  backends: [{ service: "spare-backend", port: "ws" }],
};
const keyed = { name: "keyed", path: { value: "/keyed" }, backends, policies: byApiKey };
const spec = (...routes: readonly object[]): object => ({
  gateway: { replicas: 2 },
  dataplane: { drain: { period: "2s" } },
  routes,
});
/** Valid for the API server; the operator accepts no route of it. */
const refusedSpec = spec({ name: "open", backends });

/** Beside the cluster. */
export const needs = ["prometheus"];

export default scenario(
  "the status stays as it is while keys and backends change, and tells an edit that is not accepted from an outage",
  async (cluster, report) => {
    const { ledger } = cluster;
    await cluster.install();
    await cluster.namespace(NAMESPACE);
    await cluster.apply(
      NAMESPACE,
      ...gracefulBackend(),
      ...sampleBackend("spare-backend", 0),
      apiKeys("keys", ["alice"]),
    );
    await cluster.rolledOut(NAMESPACE, "sample-backend");
    const kubectl = (...args: readonly string[]): Promise<string> => cluster.kubectl("-n", NAMESPACE, ...args);
    const backendsAre = (words: string): Promise<void> =>
      cluster.until(
        `a column says ${words}`,
        async () => (await columns(cluster, NAMESPACE, NAME))["BACKENDS"] === words,
      );
    const events = (): Promise<string[]> => eventsOf(cluster, NAMESPACE, NAME);

    const url = await report.step("a new proxy: each Event of its start is Normal, and none comes twice", async () => {
      const found = await cluster.proxy(NAMESPACE, NAME, spec(open, spare, keyed));
      await reached(cluster, NAMESPACE, NAME, 2, () => ledger.open(`${found}/open`));
      await cluster.condition(NAMESPACE, NAME, "Programmed");
      const all = await events();
      assert.ok(all.length > 0, "there is no Event at all");
      assert.deepEqual(
        all.filter((event) => !event.startsWith("Normal ")),
        [],
      );
      assert.equal(new Set(all).size, all.length, all.join(", "));
      report.figure("Events of its start", all.join(", "));
      return found;
    });
    const history = await StatusHistory.follow(cluster, NAMESPACE, NAME);
    const prometheus = await startAlerting(cluster);
    const arrivals = Arrivals.start(cluster, `${url}/open`, 100);
    const alice = await ledger.open(`${url}/keyed`, { as: "alice", headers: { "x-api-key": keyOf("alice") } });
    const atStart = await events();
    let changed = 0;
    const staysTrue = (): void => {
      for (const type of ["Accepted", "ResolvedRefs", "Programmed", "Ready"] as const)
        assert.deepEqual(history.course(type), [`True ${type}`]);
    };

    await report.step(
      `${ROUNDS} rounds of backends that scale and restart, and of keys that come and go: no condition changes`,
      async () => {
        for (let round = 1; round <= ROUNDS; round += 1) {
          const client = `guest-${round}`;
          await cluster.apply(NAMESPACE, apiKeys(client, [client]));
          for (const size of SIZES) {
            await kubectl("scale", "deployment/sample-backend", `--replicas=${size}`);
            await cluster.rolledOut(NAMESPACE, "sample-backend");
          }
          const headers = { "x-api-key": keyOf(client) };
          const guest = await ledger.open(`${url}/keyed`, { as: client, headers });
          await kubectl("rollout", "restart", "deployment/sample-backend");
          await cluster.rolledOut(NAMESPACE, "sample-backend");
          await kubectl("delete", "secret", client);
          await guest.ended(60_000); // by its key, or before by its backend
        }
        changed = Date.now();
        staysTrue();
      },
    );

    await report.step("meanwhile no Event was written, and no handshake was refused", async () => {
      assert.deepEqual(await eventsSince(cluster, [NAMESPACE, NAME], atStart), []);
      assert.equal(reasonsOf(arrivals.refused), "none");
      report.figure("handshakes meanwhile", String(arrivals.entries.length));
    });

    await report.step("the wide columns: references, backends that are ready, routes", async () => {
      const row = await columns(cluster, NAMESPACE, NAME);
      report.figure("kubectl get wsp -o wide", JSON.stringify(row));
      assert.deepEqual(
        ["READY", "REPLICAS", "PROGRAMMED", "RESOLVEDREFS", "BACKENDS", "ROUTES"].map((title) => row[title]),
        ["True", "2", "Programmed", "ResolvedRefs", "1/2", "3/3"],
      );
      assert.match(row["ADDRESS"] ?? "", /^wsproxy-chat\.steady\.svc:80$/);
      assert.equal(row["GENERATION"], row["OBSERVED"]);
    });

    await report.step("no backend is ready: a column says so, and the proxy stays Ready", async () => {
      await arrivals.stop();
      await kubectl("scale", "deployment/sample-backend", "--replicas=0");
      await backendsAre("0/2");
      const answer = (): Promise<string> => ledger.dial(`${url}/open`, { as: "too early" }).refused().catch(String);
      await cluster.until("clients are told so", async () => (await answer()) === "503 NoEndpoints");
      await kubectl("scale", "deployment/sample-backend", "--replicas=3");
      await cluster.rolledOut(NAMESPACE, "sample-backend");
      await backendsAre("1/2");
      // A state that comes late would be missed.
      await sleep(Math.max(0, changed + TOLD - Date.now()), undefined, { signal: cluster.signal });
      staysTrue();
      assert.deepEqual(await eventsSince(cluster, [NAMESPACE, NAME], atStart), []);
    });

    const later = Arrivals.start(cluster, `${url}/open`, 100);
    await report.step("an edit that is not accepted: Accepted is False, Ready stays True, clients get in", async () => {
      const since = Date.now();
      const session = await ledger.open(`${url}/open`, { as: "stays" });
      await cluster.apply(NAMESPACE, proxyManifest(NAME, refusedSpec));
      await history.until("Accepted", "False NoRouteAccepted", { since });
      await history.until("Programmed", "False NotAccepted", { since });
      await history.until("Ready", "True Ready", { since });
      assert.deepEqual(history.course("Ready"), ["True Ready"]);
      await session.echo("still here");
      const arrived = later.entries.length;
      await cluster.until("ten more came", () => Promise.resolve(later.entries.length > arrived + 10));
      assert.equal(reasonsOf(later.refused), "none");
      const warned = async (): Promise<string[]> => eventsSince(cluster, [NAMESPACE, NAME], atStart);
      await cluster.until("an Event says so", async () => (await warned()).length > 0);
      assert.deepEqual(await warned(), ["Warning NoRouteAccepted"]);
    });

    await report.step("the alert of an outage is silent, the alert of the edit is not", async () => {
      await cluster.until(
        "WSProxyNotAccepted",
        async () => (await alertedBy(prometheus, "WSProxyNotAccepted")).join() === PROXY,
      );
      for (const alert of ["WSProxyNotReady", "WSProxyRolloutStuck"])
        assert.deepEqual(await alertedBy(prometheus, alert), [], alert);
      const operators = (await operatorPods(cluster)).filter(isServing);
      const labels = { proxy: PROXY, condition: "Ready" };
      assert.deepEqual(await samples(cluster, operators, "wsproxy_operator_proxy_condition", labels), [1]);
    });

    await report.step(
      "corrected, it is Accepted and Programmed; no second Warning came, no client was lost",
      async () => {
        const since = Date.now();
        await cluster.apply(NAMESPACE, proxyManifest(NAME, spec(open, spare, keyed)));
        await history.until("Accepted", "True Accepted", { since });
        await history.until("Programmed", "True Programmed", { since });
        await later.stop();
        assert.equal(reasonsOf(later.refused), "none");
        assert.deepEqual(history.course("Ready"), ["True Ready"]);
        const all = ["Warning NoRouteAccepted", "Normal Accepted", "Normal Programmed"].toSorted();
        let found: string[] = [];
        const told = async (): Promise<boolean> => {
          found = (await eventsSince(cluster, [NAMESPACE, NAME], atStart)).toSorted();
          return found.length >= all.length;
        };
        await cluster.until("the Events say so", told).catch(() => {});
        assert.deepEqual(found, all);
        report.figure("Events of the whole scenario", String((await events()).length));
        assert.deepEqual(ledger.disorder(), []);
        await alice.close();
      },
    );

    await report.step("without an operator, the columns show that the spec is not yet looked at", async () => {
      await withoutOperator(cluster, async () => {
        await cluster.apply(NAMESPACE, proxyManifest(NAME, spec(open)));
        const { metadata, status } = await readProxy(cluster, NAMESPACE, NAME);
        assert.ok(metadata.generation > (status?.observedGeneration ?? 0));
        const row = await columns(cluster, NAMESPACE, NAME);
        report.figure("without an operator", JSON.stringify(row));
        const generations = [metadata.generation, status?.observedGeneration].map(String);
        assert.deepEqual([row["GENERATION"], row["OBSERVED"]], generations);
      });
      await cluster.until("the operator has looked at it", () => isObserved(cluster, NAMESPACE, NAME));
    });
  },
  { minutes: 8 },
);

/** No pod of the operator runs while this is done. */
async function withoutOperator(cluster: Cluster, work: () => Promise<void>): Promise<void> {
  const scale = (replicas: number): Promise<string> =>
    cluster.kubectl("-n", SYSTEM, "scale", "deployment/wsproxy-operator", `--replicas=${replicas}`);
  cluster.onEnd(() => scale(2));
  await scale(0);
  await cluster.until("no operator is there", async () => (await operatorPods(cluster)).length === 0);
  await work();
  await scale(2);
}
