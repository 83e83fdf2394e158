import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { V1Pod } from "@kubernetes/client-node";
import { SIDECAR } from "../../../api/meta.ts";
import type { WebSocketProxyStatus } from "../../../api/status.ts";
import { KINDS, pathOf } from "../../../operator/kube/kinds.ts";
import { TOKEN_FOLDER } from "../../../operator/render/sidecar.ts";
import { keyOf } from "../../fakes/api-keys.ts";
import { servedConfig } from "../admin-port.ts";
import { Arrivals, reasonsOf } from "../arrivals.ts";
import type { Cluster } from "../cluster.ts";
import { Crowd } from "../crowd.ts";
import { nameOf } from "../dataplane.ts";
import { moment } from "../moment.ts";
import { scenario } from "../scenario.ts";
import type { Session } from "../session.ts";
import { injected, injectedPods, labelledPods, sidecarProxy, userService, workload } from "../sidecar.ts";
import { readProxy } from "../web-socket-proxy.ts";
import { apiKeys, byApiKey } from "../workloads.ts";

const NAME = "chat";
const REVOKED = Array.from({ length: 20 }, (_, index) => `revoked-${index + 1}`);
const CROWD = 60;
const CHANGES = 10;
/** What the gateway's container asks for after the edit. */
const MEMORY = "72Mi";

const gatewayOf = ({ spec }: V1Pod) => spec?.initContainers?.find(({ name }) => name === SIDECAR.container);

export default scenario(
  "sidecar: injected into a Deployment, served, revoked, rolled, and deleted",
  async (cluster, report) => {
    const { ledger } = cluster;
    await cluster.install();
    const namespace = await cluster.namespace("sidecar"); // Pod Security restricted, as all of these
    const key = (client: string): Record<string, string> => ({ "x-api-key": keyOf(client) });

    await report.step("a labelled pod without a proxy is refused, in words; an unlabelled one starts", async () => {
      const template = labelledPods(NAME);
      const pod = {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "early", ...template.metadata },
        spec: template.spec,
      };
      const refusal = await cluster.apply(namespace, pod).then(
        () => "it was let in",
        (error: Error) => error.message,
      );
      assert.match(refusal, /admission webhook "inject\.wsproxy\.dev" denied the request/);
      assert.match(refusal, new RegExp(`WebSocketProxy .*${NAME}`));
      await cluster.apply(namespace, { ...pod, metadata: { name: "plain" } });
      await cluster.until("the plain pod is there", async () => (await cluster.pods(namespace, "")).length === 1);
    });

    const clients = ["alice", ...REVOKED];
    await cluster.apply(namespace, ...clients.map((client) => apiKeys(`key-${client}`, [client])));
    const url = await report.step(
      "three pods of a Deployment get the gateway; clients get to their process",
      async () => {
        await cluster.apply(namespace, sidecarProxy(NAME, byApiKey), userService(NAME));
        await cluster.condition(namespace, NAME, "Programmed");
        const { status } = await readProxy(cluster, namespace, NAME);
        assert.equal(status?.conditions?.find(({ type }) => type === "Ready")?.reason, "NoReadyPods");
        await cluster.apply(namespace, workload("Deployment", NAME, 3, labelledPods(NAME)));
        const pods = await injected(cluster, namespace, NAME, 3);
        for (const pod of pods) {
          assert.equal(gatewayOf(pod)?.restartPolicy, "Always");
          assert.equal(pod.metadata?.labels?.["wsproxy.dev/proxy"], undefined);
          assert.equal(pod.metadata?.labels?.["app.kubernetes.io/name"], undefined);
        }
        await cluster.condition(namespace, NAME, "Ready");
        await cluster.until("the status counts three pods, all ready", async () => {
          const { replicas, readyReplicas } = await counts(cluster, namespace);
          return replicas === 3 && readyReplicas === 3;
        });
        const at = `ws://${await cluster.address(namespace, NAME)}`;
        assert.equal(await ledger.dial(at, { as: "no key" }).refused(), "401 CredentialMissing");
        const session = await ledger.open(`${at}/headers`, { as: "alice", greetings: 1, headers: key("alice") });
        assert.match(await session.message(), /"x-wsproxy-client","alice"/i);
        return at;
      },
    );
    await report.step("no service account token reaches the gateway; the process has its own", async () => {
      const list = `console.log(JSON.stringify(fs.readdirSync(${JSON.stringify(TOKEN_FOLDER)})))`;
      for (const pod of await injectedPods(cluster, namespace, NAME)) {
        const seenBy = async (container: string): Promise<string[]> => {
          const exec = ["-n", namespace, "exec", nameOf(pod), "-c", container, "--", "node", "-e", list];
          return JSON.parse(await cluster.kubectl(...exec)) as string[];
        };
        assert.deepEqual(await seenBy(SIDECAR.container), []);
        assert.ok((await seenBy("app")).includes("token"), "the process has no token");
      }
    });

    await report.step("a change of a route is in force in every pod, p99 within 2 s", async () => {
      const pods = await injected(cluster, namespace, NAME, 3);
      const times: number[] = [];
      for (let turn = 1; turn <= CHANGES; turn += 1) {
        const before = await Promise.all(pods.map((pod) => servedConfig(cluster, pod)));
        await moment(turn, cluster.signal);
        const since = Date.now();
        const policies = { ...byApiKey, forwarding: { headers: { set: [{ name: "x-version", value: `v${turn}` }] } } };
        await edit(cluster, namespace, "/spec/routes/0/policies", policies);
        await Promise.all(
          pods.map((pod, index) =>
            cluster.until(
              `${nameOf(pod)} serves it`,
              async () => (await servedConfig(cluster, pod)).hash !== before[index]?.hash,
            ),
          ),
        );
        times.push(Date.now() - since);
      }
      const { p99 } = report.times("sidecar: API call of a change to every pod serving it", times);
      assert.ok(p99 <= 2000, `p99 ${p99} ms`);
    });

    const withKey = (client: string): Promise<Session> => ledger.open(url, { as: client, headers: key(client) });

    await report.step("a revoked key ends its session, p99 within 2 s", async () => {
      const sessions = await Promise.all(REVOKED.map(withKey));
      const times: number[] = [];
      for (const session of sessions) {
        await sleep(1000 + Math.random() * 1000); // the kubelet syncs a pod once a second at most
        const deleted = Date.now();
        await cluster.kubectl("-n", namespace, "delete", "secret", `key-${session.entry.as}`);
        const { code, text, at } = await session.ended();
        assert.deepEqual([code, text], [3000, "CredentialRevoked"]);
        times.push(at - deleted);
      }
      const { p99 } = report.times("sidecar: kubectl delete secret to the Close", times);
      assert.ok(p99 <= 2000, `p99 ${p99} ms`);
    });

    const restart = await report.step(
      "other resources: the pods are outdated, and Programmed says what to type",
      async () => {
        const older = (await injectedPods(cluster, namespace, NAME)).map(nameOf).toSorted();
        await edit(cluster, namespace, "/spec/dataplane/resources/requests/memory", MEMORY);
        await cluster.until("three pods are outdated", async () => (await counts(cluster, namespace)).outdated === 3);
        await cluster.condition(namespace, NAME, "Programmed");
        const { status } = await readProxy(cluster, namespace, NAME);
        const { message = "" } = status?.conditions?.find(({ type }) => type === "Programmed") ?? {};
        for (const pod of older) assert.ok(message.includes(pod), message);
        const [, typed = ""] = /kubectl (rollout restart .+?) restarts them/.exec(message) ?? [];
        assert.equal(typed, `rollout restart --namespace ${namespace} deployment/${NAME}`);
        assert.deepEqual((await injectedPods(cluster, namespace, NAME)).map(nameOf).toSorted(), older);
        return typed;
      },
    );

    await report.step("that rollout: each session ends with 1012, and no handshake is refused", async () => {
      const crowd = await Crowd.gather(cluster, url, CROWD, key("alice"));
      const arrivals = Arrivals.start(cluster, url, 50, { headers: key("alice") });
      const since = Date.now();
      const before = (await injectedPods(cluster, namespace, NAME)).map(nameOf);
      await cluster.kubectl(...restart.split(" "));
      await cluster.rolledOut(namespace, NAME);
      await cluster.until("the old pods are gone", async () =>
        (await injectedPods(cluster, namespace, NAME)).every((pod) => !before.includes(nameOf(pod))),
      );
      await cluster.until("the crowd is back", () => Promise.resolve(crowd.whole));
      await arrivals.stop();
      crowd.disperse();
      const ended = ledger.ended.filter(({ closed }) => closed.at > since && closed.code !== 1000);
      const refused = reasonsOf(arrivals.refused);
      report.figure(
        "sidecar: a rollout of 3 pods",
        `${ended.length} sessions ended; of ${arrivals.entries.length} handshakes refused: ${refused}`,
      );
      assert.ok(ended.length >= CROWD, `${ended.length} sessions were moved`);
      assert.deepEqual([...new Set(ended.map(({ closed }) => `${closed.code} ${closed.text}`))], ["1012 Draining"]);
      assert.equal(refused, "none");
      assert.deepEqual(arrivals.unheard, []);
      for (const pod of await injected(cluster, namespace, NAME, 3))
        assert.equal(gatewayOf(pod)?.resources?.requests?.["memory"], MEMORY);
      await cluster.until("no pod is outdated", async () => {
        const { replicas, readyReplicas, outdated } = await counts(cluster, namespace);
        return replicas === 3 && readyReplicas === 3 && (outdated ?? 0) === 0;
      });
    });

    await report.step("the proxy is deleted: sessions end with 1001, handshakes are 404, the pods stay", async () => {
      const session = await withKey("alice");
      const before = (await injectedPods(cluster, namespace, NAME)).map(nameOf).toSorted();
      const since = Date.now();
      await cluster.kubectl("-n", namespace, "delete", "wsp", NAME);
      const { code, text, at } = await session.ended(60_000);
      assert.deepEqual([code, text], [1001, "RouteRemoved"]);
      report.figure("sidecar: kubectl delete wsp to the Close", `${((at - since) / 1000).toFixed(1)} s`);
      await cluster.until("every pod answers 404", async () => {
        const answers = await Promise.all(
          Array.from({ length: 9 }, () => ledger.dial(url, { as: "late", headers: key("alice") }).refused()),
        );
        return answers.every((answer) => answer === "404 RouteNotFound");
      });
      assert.deepEqual((await injectedPods(cluster, namespace, NAME)).map(nameOf).toSorted(), before);
    });
  },
  { minutes: 8 },
);

/** What the status tells of the pods. */
async function counts(cluster: Cluster, namespace: string): Promise<NonNullable<WebSocketProxyStatus["dataplane"]>> {
  return (await readProxy(cluster, namespace, NAME)).status?.dataplane ?? {};
}

/** Replaces one value of the proxy. */
async function edit(cluster: Cluster, namespace: string, path: string, value: unknown): Promise<void> {
  await cluster.api.request({
    method: "PATCH",
    path: pathOf(KINDS.WebSocketProxy, namespace, NAME),
    contentType: "application/json-patch+json",
    body: [{ op: "replace", path, value }],
  });
}
