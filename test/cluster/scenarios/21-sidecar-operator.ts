import assert from "node:assert/strict";
import type { V1EndpointSlice, V1Pod } from "@kubernetes/client-node";
import { INJECT_LABEL } from "../../../api/meta.ts";
import { KINDS, pathOf } from "../../../operator/kube/kinds.ts";
import { Arrivals, reasonsOf } from "../arrivals.ts";
import { SYSTEM } from "../cluster.ts";
import { Creations } from "../creations.ts";
import { nameOf } from "../dataplane.ts";
import * as pods from "../injected-pods.ts";
import { seconds } from "../report.ts";
import { scenario } from "../scenario.ts";
import { injected, labelledPods, sidecarProxy, userService, workload } from "../sidecar.ts";
import { served, trusted, WEBHOOK_SECRET, withoutOperator } from "../webhook.ts";
import { readProxy } from "../web-socket-proxy.ts";

const NAME = "chat";
const open = { authentication: { require: "None" } };

export default scenario(
  "sidecar: the operator is rolled, renewed, away and uninstalled; pods serve on",
  async (cluster, report) => {
    const { ledger } = cluster;
    await cluster.install();
    const namespace = await cluster.namespace("sidecar-operator");
    await cluster.apply(namespace, sidecarProxy(NAME, open), userService(NAME));
    await cluster.condition(namespace, NAME, "Programmed");
    await cluster.apply(namespace, workload("Deployment", NAME, 2, labelledPods(NAME)));
    const [first, second] = await injected(cluster, namespace, NAME, 2);
    assert.ok(first !== undefined && second !== undefined);
    const url = `ws://${await cluster.address(namespace, NAME)}`;
    const created = async (work: (creations: Creations) => Promise<void>): Promise<void> => {
      const creations = new Creations(cluster, namespace, labelledPods(NAME));
      await creations.more(20);
      await work(creations);
      await creations.more(20);
      await creations.stop();
      report.times(`sidecar: pods created meanwhile, ${creations.failed.length} failed`, creations.times);
      assert.deepEqual(creations.failed, []);
    };
    const lone = labelledPods(NAME);
    const late = { ...lone, metadata: { labels: { ...lone.metadata?.labels, late: "true" } } };
    const plain = pods.barePod("plain", { ...lone, metadata: { labels: { app: "plain" } } });

    await report.step("the operator is rolled: no creation of a labelled pod fails", () =>
      created(async () => {
        await cluster.kubectl("-n", SYSTEM, "rollout", "restart", "deployment/wsproxy-operator");
        await cluster.rolledOut(SYSTEM, "wsproxy-operator");
      }),
    );

    await report.step("the webhook's certificate is replaced: no creation of a labelled pod fails", () =>
      created(async () => {
        const [before = ""] = await served(cluster);
        const [ca = ""] = await trusted(cluster);
        assert.ok(before !== "" && ca !== "");
        const since = Date.now();
        await cluster.kubectl("-n", SYSTEM, "delete", "secret", WEBHOOK_SECRET);
        await cluster.until("every replica serves another certificate", async () =>
          (await served(cluster)).every((serial) => serial !== before),
        );
        report.figure("sidecar: webhook's Secret deleted, to the new certificate", seconds(Date.now() - since));
        assert.equal(new Set(await served(cluster)).size, 1);
        const cas = await trusted(cluster);
        assert.ok(cas.includes(ca), "the CA before is kept for a replica that is late");
      }),
    );

    const arrivals = Arrivals.start(cluster, url, 200);
    await report.step(
      "no operator: labelled pods are refused, all others start, and injected ones serve on",
      async () => {
        await withoutOperator(cluster, async () => {
          const refusal = await pods.refusalOf(cluster, namespace, pods.barePod("early", lone));
          assert.match(refusal, /failed calling webhook "inject\.wsproxy\.dev"/);
          await cluster.apply(namespace, plain, workload("Deployment", "late", 1, late));
          await pods.serving(cluster, namespace, "plain");
          await restarts(first, pods.processStatus, "1013 BackendLost");
          await restarts(second, pods.gatewayStatus, "1006 ");
          await cluster.until("the controller was refused", async () =>
            (await cluster.kubectl("-n", namespace, "get", "events", "-o", "json")).includes("failed calling webhook"),
          );
          assert.equal((await cluster.pods(namespace, INJECT_LABEL)).length, 2);
        });
      },
    );

    await report.step("the operator is back: the pods that were refused come by themselves", async () => {
      const since = Date.now();
      await injected(cluster, namespace, NAME, 3);
      report.figure("sidecar: operator scaled up, to the pod that was refused", seconds(Date.now() - since));
      await cluster.kubectl("-n", namespace, "delete", "deployment", "late");
      await injected(cluster, namespace, NAME, 2);
      await cluster.condition(namespace, NAME, "Programmed");
    });

    await report.step(
      "uninstalled: sessions go on; a labelled pod starts without a gateway, and no client gets there",
      async () => {
        const sessions = await Promise.all(
          [first, second].map((pod) => ledger.open(pods.urlOf(pod), { as: nameOf(pod) })),
        );
        await cluster.helm("uninstall", "wsproxy", "-n", SYSTEM, "--wait");
        await cluster.until(
          "the operator is gone",
          async () => (await cluster.pods(SYSTEM, "app.kubernetes.io/component=operator")).length === 0,
        );
        await cluster.apply(namespace, pods.barePod("unguarded", lone));
        const unguarded = await pods.serving(cluster, namespace, "unguarded");
        assert.equal(pods.hasGateway(unguarded), false);
        await cluster.until("its slice is there", async () => (await portsOf(unguarded)) !== undefined);
        assert.deepEqual(await portsOf(unguarded), []);
        const arrived = arrivals.entries.length;
        const since = Date.now();
        await cluster.until("clients came and went", async () => arrivals.entries.length > arrived + 20);
        const refused = arrivals.refused.filter(({ dialled }) => dialled > since);
        assert.equal(reasonsOf(refused), "none");
        for (const session of sessions) await session.echo("still here");
      },
    );

    await report.step(
      "installed again: the status counts the pods that run, and new ones get the gateway",
      async () => {
        await cluster.install();
        await cluster.until("both are counted", async () => {
          const { status } = await readProxy(cluster, namespace, NAME);
          return status?.dataplane?.replicas === 2 && status.dataplane.readyReplicas === 2;
        });
        const spec = { policies: { keepalive: { interval: "20s", timeout: "10s" } } };
        await cluster.kubectl("-n", namespace, "patch", "wsp", NAME, "--type=merge", "-p", JSON.stringify({ spec }));
        await cluster.condition(namespace, NAME, "Programmed"); // they take an edit
        // The API server may not have seen yet that the leader trusts its certificate.
        const again = pods.barePod("again", lone);
        const letIn = (): Promise<boolean> =>
          cluster.apply(namespace, again).then(
            () => true,
            () => false,
          );
        await cluster.until("a labelled pod is let in", letIn);
        assert.ok(pods.hasGateway(await pods.serving(cluster, namespace, "again")));
        await arrivals.stop();
        const live = ledger.live.filter(({ entry }) => [nameOf(first), nameOf(second)].includes(entry.as));
        assert.equal(live.length, 2, "a session was dropped");
        for (const session of live) await session.echo("to the end");
        assert.deepEqual(ledger.disorder(), []);
      },
    );

    /** Kills a container of the pod, and waits until it is served again. */
    async function restarts(pod: V1Pod, status: typeof pods.gatewayStatus, ending: string): Promise<void> {
      const name = nameOf(pod);
      const session = await ledger.open(pods.urlOf(pod), { as: "killed" });
      const now = await pods.readPod(cluster, namespace, name);
      const since = Date.now();
      await pods.kill(cluster, status(now));
      const { code, text } = await session.ended();
      assert.equal(`${code} ${text}`, ending);
      const after = await pods.serving(cluster, namespace, name, { status, times: 1 });
      report.figure(`sidecar: container ${status(after)?.name} killed, to ready again`, seconds(Date.now() - since));
      const again = await ledger.open(pods.urlOf(after), { as: "back" });
      await again.echo("hello");
      await again.close();
    }

    /** The ports at which the Service's clients get to the pod; undefined: the Service does not know it yet. */
    async function portsOf(pod: V1Pod): Promise<unknown[] | undefined> {
      const query = { labelSelector: `kubernetes.io/service-name=${NAME}` };
      const path = pathOf(KINDS.EndpointSlice, namespace);
      const { items } = await cluster.api.request<{ items: V1EndpointSlice[] }>({ path, query });
      const slice = items.find(({ endpoints }) => endpoints?.some(({ targetRef }) => targetRef?.name === nameOf(pod)));
      return slice === undefined ? undefined : (slice.ports ?? []);
    }
  },
  { minutes: 8 },
);
