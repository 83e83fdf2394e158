import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { atOnce } from "../at-once.ts";
import { SYSTEM, type Cluster } from "../cluster.ts";
import { isServing, nameOf } from "../dataplane.ts";
import type { Report } from "../report.ts";
import { LOOKS, ScaledProxy } from "../scaled-proxy.ts";
import { scenario } from "../scenario.ts";
import { apiKeys, sampleBackend } from "../workloads.ts";

const NAMESPACE = "autoscale";
/** Changes by another writer that make a fight come with three looks of an HPA; in ms. */
const FIGHT = 150_000;
/** So long the writes of a fight are counted; in ms. */
const COUNTED = 35_000;

/** Each has a writer of its own for the number of its pods. */
interface Proxies {
  /** `kubectl scale deployment`. */
  readonly hand: ScaledProxy;
  /** An HPA on the Deployment. */
  readonly pods: ScaledProxy;
  /** The spec and an HPA on the Deployment. */
  readonly fight: ScaledProxy;
  /** `kubectl scale wsp`, then an HPA on the proxy. */
  readonly scale: ScaledProxy;
}

export default scenario(
  "autoscalers and people set the number of pods, and the operator does not fight them",
  async (cluster, report) => {
    await cluster.install();
    await cluster.namespace(NAMESPACE);
    await cluster.apply(NAMESPACE, ...sampleBackend("sample-backend", 1), apiKeys("keys", ["alice"]));
    await cluster.rolledOut(NAMESPACE, "sample-backend");
    const proxyOf = (name: string): ScaledProxy => new ScaledProxy(cluster, NAMESPACE, name);
    const proxies = { hand: proxyOf("hand"), pods: proxyOf("pods"), fight: proxyOf("fight"), scale: proxyOf("scale") };
    const { hand, pods, fight, scale } = proxies;

    await report.step("without a number the operator makes two pods", async () => {
      await atOnce(
        () => fight.make({ replicas: 1 }),
        ...[hand, pods, scale].map((proxy) => async () => {
          await proxy.make({});
          await proxy.has(2);
          assert.equal(await proxy.replicas(), undefined);
        }),
      );
    });

    let fought: Promise<void> | undefined;
    await atOnce(
      () => (fought = againstANumber(cluster, report, fight)),
      async () => {
        await byHand(cluster, report, hand);
        await fought; // a new operator would have to see the fight anew
        await overNewOperators(cluster, report, hand);
      },
      () => byAutoscaler(report, pods),
      () => byTheProxy(cluster, report, scale),
    );

    await report.step("in the end each client that dials is let in", async () => {
      for (const proxy of Object.values(proxies)) {
        assert.ok((await proxy.pods()).every(isServing), proxy.name);
        await proxy.lets("alice");
      }
    });
  },
  { minutes: 6 },
);

async function byHand(cluster: Cluster, report: Report, hand: Proxies["hand"]): Promise<void> {
  await report.step("the selector of the status finds the pods", async () => {
    const selector = await hand.kubectl("get", `wsp/${hand.name}`, "-o", "jsonpath={.status.dataplane.selector}");
    const found = (await cluster.pods(NAMESPACE, selector)).map(nameOf).toSorted();
    assert.deepEqual(found, (await hand.pods()).map(nameOf).toSorted());
    assert.equal(found.length, 2);
    report.figure("selector", selector);
  });

  await report.step("kubectl scale deployment: the number stays, over passes and a change of the pods", async () => {
    await hand.kubectl("scale", hand.deployment, "--replicas=3");
    await hand.has(3);
    await hand.admits("bob");
    await hand.remake({}, "second");
    await hand.has(3);
    await hand.is("Programmed");
  });

  await report.step("a person scales to 0 and back: not Ready, and Ready", async () => {
    await hand.kubectl("scale", hand.deployment, "--replicas=0");
    await cluster.until("no pod is left", async () => (await hand.pods()).length === 0);
    await hand.kubectl("wait", "--for=condition=Ready=False", `wsp/${hand.name}`, "--timeout=60s");
    await cluster.apply(NAMESPACE, apiKeys(`more-${hand.name}`, ["dave"])); // a pass
    await hand.kubectl("scale", hand.deployment, "--replicas=2");
    await hand.has(2);
    await hand.is("Ready");
    await hand.lets("dave");
    await hand.kubectl("scale", hand.deployment, "--replicas=3");
    await hand.has(3);
  });
}

async function overNewOperators(cluster: Cluster, report: Report, hand: Proxies["hand"]): Promise<void> {
  await report.step("the number of a person stays over a new operator and an upgrade", async () => {
    await cluster.kubectl("-n", SYSTEM, "rollout", "restart", "deployment/wsproxy-operator");
    await cluster.rolledOut(SYSTEM, "wsproxy-operator");
    await hand.admits("carol"); // the new one works
    await cluster.install("--set", "logLevel=debug");
    await hand.remake({}, "third");
    await hand.has(3);
    await hand.is("Programmed");
  });
}

async function byAutoscaler(report: Report, pods: Proxies["pods"]): Promise<void> {
  await report.step("an HPA on the Deployment raises and lowers the number, and no writer undoes it", async () => {
    await pods.autoscale(pods.ofDeployment, 3, 5);
    await pods.has(3, LOOKS);
    await pods.remake({}, "second");
    await pods.has(3);
    await pods.quiet();
    await pods.autoscale(pods.ofDeployment, 1, 2);
    await pods.has(2, LOOKS);
    await pods.quiet();
  });
}

async function againstANumber(cluster: Cluster, report: Report, fight: Proxies["fight"]): Promise<void> {
  await report.step("with a number and an HPA the message names the other writer", async () => {
    await fight.autoscale(fight.ofDeployment, 3, 5);
    const path = 'jsonpath={.status.conditions[?(@.type=="Programmed")].message}';
    const message = (): Promise<string> => fight.kubectl("get", `wsp/${fight.name}`, "-o", path);
    await cluster.until("it is named", async () => /kube-controller-manager/.test(await message()), FIGHT);
    report.figure("Programmed says", await message());
    const before = (await fight.found()).metadata?.generation ?? 0;
    await sleep(COUNTED, undefined, { signal: cluster.signal });
    const writes = ((await fight.found()).metadata?.generation ?? 0) - before;
    report.figure(`writes of both in ${COUNTED / 1000} s`, String(writes));
    assert.ok(writes <= 8, `${writes} writes`);
    await fight.kubectl("delete", "hpa", fight.name);
    await fight.has(1);
  });
}

async function byTheProxy(cluster: Cluster, report: Report, scale: Proxies["scale"]): Promise<void> {
  const inSpec = (count: number): Promise<void> =>
    cluster.until(`the spec has ${count}`, async () => (await scale.replicas()) === count, LOOKS);

  await report.step("kubectl scale wsp writes the number; without it what is there stays", async () => {
    await scale.kubectl("scale", `wsp/${scale.name}`, "--replicas=3");
    assert.equal(await scale.replicas(), 3);
    await scale.has(3);
    const remove = [{ op: "remove", path: "/spec/gateway/replicas" }];
    await scale.kubectl("patch", `wsp/${scale.name}`, "--type=json", "-p", JSON.stringify(remove));
    await scale.is("Programmed");
    await scale.admits("erin");
    await scale.has(3);
    // Given again: an HPA reads the number first, and the API server shows no scale of a proxy without one.
    await scale.kubectl("scale", `wsp/${scale.name}`, "--replicas=2");
    await scale.has(2);
  });

  await report.step("an HPA on the WebSocketProxy writes the number into its spec", async () => {
    await scale.autoscale(scale.ofProxy, 3, 5);
    await inSpec(3);
    await scale.has(3);
    await scale.autoscale(scale.ofProxy, 1, 2);
    await inSpec(2);
    await scale.has(2);
    await scale.quiet();
    const able = 'jsonpath={.status.conditions[?(@.type=="AbleToScale")].status}';
    assert.equal(await scale.kubectl("get", "hpa", scale.name, "-o", able), "True");
    await scale.is("Programmed");
  });
}
