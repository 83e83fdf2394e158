import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { V1Deployment } from "@kubernetes/client-node";
import { API_VERSION, KIND } from "../../../api/meta.ts";
import { KINDS } from "../../../operator/kube/kinds.ts";
import { keyOf } from "../../fakes/api-keys.ts";
import { SYSTEM, type Cluster } from "../cluster.ts";
import { dataplanePods, isServing, nameOf, settled } from "../dataplane.ts";
import { scenario } from "../scenario.ts";
import { proxyManifest, readProxy } from "../web-socket-proxy.ts";
import { apiKeys, byApiKey, sampleBackend } from "../workloads.ts";

const NAMESPACE = "autoscale";
const NAME = "chat";
const DEPLOYMENT = `deployment/wsproxy-${NAME}`;
const HPA = "chat-pods";
/** The controller of HPAs looks every 15 s; three looks, and some time for a busy machine. In ms. */
const LOOKS = 50_000;
/** Two of its looks. In ms. */
const QUIET = 35_000;
/** Changes by another writer that make a fight come with three looks; in ms. */
const FIGHT = 150_000;

/** `gateway` has the number, or not. */
function spec(gateway: object, mark = "first"): object {
  return {
    gateway: { ...gateway, pod: { annotations: { example: mark } } },
    // Less than by default: two generations of five pods have room on one small node.
    dataplane: { drain: { period: "2s" }, resources: { requests: { cpu: "10m", memory: "64Mi" } } },
    policies: byApiKey,
    routes: [{ name: "keyed", backends: [{ service: "sample-backend", port: "ws" }] }],
  };
}

/** It has no metrics: of its own accord it only keeps the number within its bounds. */
function autoscaler(target: object, minReplicas: number, maxReplicas: number): object {
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: HPA },
    spec: { scaleTargetRef: target, minReplicas, maxReplicas },
  };
}
const ofDeployment = { apiVersion: "apps/v1", kind: "Deployment", name: `wsproxy-${NAME}` };
const ofProxy = { apiVersion: API_VERSION, kind: KIND, name: NAME };

export default scenario(
  "autoscalers and people set the number of pods, and the operator does not fight them",
  async (cluster, report) => {
    const { ledger } = cluster;
    await cluster.install();
    await cluster.namespace(NAMESPACE);
    await cluster.apply(NAMESPACE, ...sampleBackend(), apiKeys("keys", ["alice"]));
    await cluster.rolledOut(NAMESPACE, "sample-backend");
    const kubectl = (...args: readonly string[]): Promise<string> => cluster.kubectl("-n", NAMESPACE, ...args);
    const apply = (...manifests: readonly object[]): Promise<string> => cluster.apply(NAMESPACE, ...manifests);
    /** The Deployment asks for so many pods, and they serve. */
    const has = async (count: number, ms?: number): Promise<void> => {
      const asked = async (): Promise<boolean> => (await deployment(cluster)).spec?.replicas === count;
      await cluster.until(`${count} pods are asked for`, asked, ms);
      await settled(cluster, NAMESPACE, NAME, ({ length }) => length === count);
    };
    const enters = async (url: string, client: string): Promise<void> => {
      const dial = { as: client, headers: { "x-api-key": keyOf(client) } };
      const open = (): Promise<boolean> =>
        ledger.open(url, dial).then(
          async (session) => (await session.close(), true),
          () => false,
        );
      await cluster.until(`${client} is let in`, open);
    };

    const url = await report.step("without a number the operator makes two pods", async () => {
      const found = await cluster.proxy(NAMESPACE, NAME, spec({}));
      await has(2);
      assert.equal(await kubectl("get", `wsp/${NAME}`, "-o", "jsonpath={.spec.gateway.replicas}"), "");
      return found;
    });

    await report.step("the selector of the status finds the pods", async () => {
      await cluster.condition(NAMESPACE, NAME, "Programmed");
      const selector = await kubectl("get", `wsp/${NAME}`, "-o", "jsonpath={.status.dataplane.selector}");
      const found = (await cluster.pods(NAMESPACE, selector)).map(nameOf).toSorted();
      assert.deepEqual(found, (await dataplanePods(cluster, NAMESPACE, NAME)).map(nameOf).toSorted());
      assert.equal(found.length, 2);
      report.figure("selector", selector);
    });

    await report.step("kubectl scale deployment: the number stays, over passes and a change of the pods", async () => {
      await kubectl("scale", DEPLOYMENT, "--replicas=4");
      await has(4);
      await apply(apiKeys("more", ["bob"]));
      await enters(url, "bob");
      await apply(proxyManifest(NAME, spec({}, "second")));
      await marked(cluster, "second");
      await has(4);
      await cluster.condition(NAMESPACE, NAME, "Programmed");
    });

    await report.step("it stays over a new operator and an upgrade", async () => {
      await cluster.kubectl("-n", SYSTEM, "rollout", "restart", "deployment/wsproxy-operator");
      await cluster.rolledOut(SYSTEM, "wsproxy-operator");
      await apply(apiKeys("more", ["carol"]));
      await enters(url, "carol"); // the new one works
      await cluster.install("--set", "logLevel=debug");
      await apply(proxyManifest(NAME, spec({}, "third")));
      await marked(cluster, "third");
      await has(4);
      await cluster.condition(NAMESPACE, NAME, "Programmed");
    });

    await report.step("a person scales to 0 and back: not Ready, and Ready", async () => {
      await kubectl("scale", DEPLOYMENT, "--replicas=0");
      const pods = async (): Promise<boolean> => (await dataplanePods(cluster, NAMESPACE, NAME)).length === 0;
      await cluster.until("no pod is left", pods);
      await kubectl("wait", "--for=condition=Ready=False", `wsp/${NAME}`, "--timeout=60s");
      await apply(apiKeys("more", ["dave"])); // a pass
      await kubectl("scale", DEPLOYMENT, "--replicas=2");
      await has(2);
      await cluster.condition(NAMESPACE, NAME, "Ready");
      await enters(url, "dave");
    });

    await report.step("an HPA on the Deployment raises and lowers the number, and no writer undoes it", async () => {
      await apply(autoscaler(ofDeployment, 3, 5));
      await has(3, LOOKS);
      await quiet(cluster);
      await apply(proxyManifest(NAME, spec({}, "fourth")));
      await marked(cluster, "fourth");
      await has(3);
      await quiet(cluster);
      await apply(autoscaler(ofDeployment, 1, 2));
      await has(2, LOOKS);
      await quiet(cluster);
    });

    await report.step("with a number and an HPA the message names the other writer", async () => {
      await apply(autoscaler(ofDeployment, 3, 5), proxyManifest(NAME, spec({ replicas: 1 }, "fourth")));
      const message = (): Promise<string> =>
        kubectl("get", `wsp/${NAME}`, "-o", 'jsonpath={.status.conditions[?(@.type=="Programmed")].message}');
      await cluster.until("it is named", async () => /kube-controller-manager/.test(await message()), FIGHT);
      report.figure("Programmed says", await message());
      const before = (await deployment(cluster)).metadata?.generation ?? 0;
      const started = Date.now();
      await sleep(LOOKS, undefined, { signal: cluster.signal });
      const writes = ((await deployment(cluster)).metadata?.generation ?? 0) - before;
      report.figure(`writes of both in ${(Date.now() - started) / 1000} s`, String(writes));
      assert.ok(writes <= 10, `${writes} writes`);
      await kubectl("delete", "hpa", HPA);
      await has(1);
    });

    await report.step("kubectl scale wsp/chat writes the number; without it what is there stays", async () => {
      await kubectl("scale", `wsp/${NAME}`, "--replicas=3");
      assert.equal((await gatewayOf(cluster)).replicas, 3);
      await has(3);
      const remove = [{ op: "remove", path: "/spec/gateway/replicas" }];
      await kubectl("patch", `wsp/${NAME}`, "--type=json", "-p", JSON.stringify(remove));
      await cluster.condition(NAMESPACE, NAME, "Programmed");
      await apply(apiKeys("more", ["erin"]));
      await enters(url, "erin");
      await has(3);
      // Given again: the API server shows no scale of a proxy without a number, and an HPA on the proxy needs one.
      await kubectl("scale", `wsp/${NAME}`, "--replicas=2");
      await has(2);
    });

    await report.step("an HPA on the WebSocketProxy writes the number into its spec", async () => {
      await apply(autoscaler(ofProxy, 3, 5));
      await cluster.until("the spec has 3", async () => (await gatewayOf(cluster)).replicas === 3, LOOKS);
      await has(3);
      await quiet(cluster);
      await apply(autoscaler(ofProxy, 1, 2));
      await cluster.until("the spec has 2", async () => (await gatewayOf(cluster)).replicas === 2, LOOKS);
      await has(2);
      await quiet(cluster);
      const able = await kubectl(
        "get",
        "hpa",
        HPA,
        "-o",
        'jsonpath={.status.conditions[?(@.type=="AbleToScale")].status}',
      );
      assert.equal(able, "True");
      await cluster.condition(NAMESPACE, NAME, "Programmed");
    });

    await report.step("in the end each client that dials is let in", async () => {
      assert.ok((await dataplanePods(cluster, NAMESPACE, NAME)).every(isServing));
      await (await ledger.open(url, { as: "alice", headers: { "x-api-key": keyOf("alice") } })).echo("hello");
    });
  },
  { minutes: 15 },
);

async function deployment(cluster: Cluster): Promise<V1Deployment> {
  const found = await cluster.get<V1Deployment>(KINDS.Deployment, NAMESPACE, `wsproxy-${NAME}`);
  assert.ok(found, "there is no Deployment");
  return found;
}

/** The operator has written the shape of the pods with this mark. */
function marked(cluster: Cluster, mark: string): Promise<void> {
  return cluster.until(`the Deployment is the ${mark} one`, async () => {
    return (await deployment(cluster)).spec?.template.metadata?.annotations?.["example"] === mark;
  });
}

/** The part of the spec that has the number. */
async function gatewayOf(cluster: Cluster): Promise<{ readonly replicas?: number }> {
  const { spec: found } = (await readProxy(cluster, NAMESPACE, NAME)) as unknown as {
    readonly spec: { readonly gateway?: { readonly replicas?: number } };
  };
  return found.gateway ?? {};
}

/** Over some looks of the HPA no writer changes the Deployment or the spec. */
async function quiet(cluster: Cluster): Promise<void> {
  const generations = async (): Promise<(number | undefined)[]> => [
    (await deployment(cluster)).metadata?.generation,
    (await readProxy(cluster, NAMESPACE, NAME)).metadata.generation,
  ];
  await cluster.condition(NAMESPACE, NAME, "Programmed");
  const before = await generations();
  await cluster.apply(NAMESPACE, apiKeys("more", [`pass-${Date.now()}`])); // a pass of the operator, too
  await sleep(QUIET, undefined, { signal: cluster.signal });
  const after = await generations();
  assert.ok(isDeepStrictEqual(after, before), `generations were ${before.join(", ")}, and are ${after.join(", ")}`);
}
