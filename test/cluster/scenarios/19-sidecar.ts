import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { V1Pod } from "@kubernetes/client-node";
import { keyOf } from "../../fakes/api-keys.ts";
import { Arrivals, reasonsOf } from "../arrivals.ts";
import { Crowd } from "../crowd.ts";
import { nameOf } from "../dataplane.ts";
import { scenario } from "../scenario.ts";
import type { Session } from "../session.ts";
import { injected, injectedPods, labelledPods, sidecarProxy, userService, workload } from "../sidecar.ts";
import { readProxy } from "../web-socket-proxy.ts";
import { apiKeys, byApiKey } from "../workloads.ts";

const NAME = "chat";
const REVOKED = Array.from({ length: 20 }, (_, index) => `revoked-${index + 1}`);
const CROWD = 60;

const gatewayOf = ({ spec }: V1Pod) => spec?.initContainers?.find(({ name }) => name === "wsproxy");

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
          const dataplane = (await readProxy(cluster, namespace, NAME)).status?.dataplane;
          return dataplane?.replicas === 3 && dataplane.readyReplicas === 3;
        });
        const at = `ws://${await cluster.address(namespace, NAME)}`;
        assert.equal(await ledger.dial(at, { as: "no key" }).refused(), "401 CredentialMissing");
        const session = await ledger.open(`${at}/headers`, { as: "alice", greetings: 1, headers: key("alice") });
        assert.match(await session.message(), /"x-wsproxy-client","alice"/i);
        return at;
      },
    );
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

    await report.step("a rollout: each session ends with 1012, and no handshake is refused", async () => {
      const crowd = await Crowd.gather(cluster, url, CROWD, key("alice"));
      const arrivals = Arrivals.start(cluster, url, 50, { headers: key("alice") });
      const since = Date.now();
      const before = (await injectedPods(cluster, namespace, NAME)).map(nameOf);
      await cluster.kubectl("-n", namespace, "rollout", "restart", `deployment/${NAME}`);
      await cluster.rolledOut(namespace, NAME);
      await cluster.until("the old pods are gone", async () =>
        (await injectedPods(cluster, namespace, NAME)).every((pod) => !before.includes(nameOf(pod))),
      );
      await cluster.until("the crowd is back", () => Promise.resolve(crowd.whole));
      await arrivals.stop();
      crowd.disperse();
      const ended = ledger.ended.filter(({ closed }) => closed.at > since && closed.code !== 1000);
      assert.ok(ended.length >= CROWD, `${ended.length} sessions were moved`);
      assert.deepEqual([...new Set(ended.map(({ closed }) => `${closed.code} ${closed.text}`))], ["1012 Draining"]);
      assert.equal(reasonsOf(arrivals.refused), "none");
      assert.deepEqual(arrivals.unheard, []);
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
