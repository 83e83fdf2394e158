import assert from "node:assert/strict";
import type { V1Deployment } from "@kubernetes/client-node";
import { KINDS } from "../../../operator/kube/kinds.ts";
import { Arrivals, reasonsOf } from "../arrivals.ts";
import type { Cluster } from "../cluster.ts";
import { dataplanePods, isServing, nameOf, settled } from "../dataplane.ts";
import { specOf } from "../obstacles.ts";
import { seconds } from "../report.ts";
import { scenario } from "../scenario.ts";
import { WatchedProxy } from "../watched-proxy.ts";
import { proxyManifest } from "../web-socket-proxy.ts";
import { sampleBackend } from "../workloads.ts";

const NAMESPACE = "rollout-status";
const NAME = "chat";
const STUCK = "False RolloutStuck";
const ROLLING = "False RollingOut";
const DONE = "True Programmed";
/** Refuses every connection, so that a node says at once that there is no such image. */
const NO_IMAGE = "127.0.0.1:1/wsproxy:none";

const spec = (mark: string, replicas = 2): object => ({
  ...specOf(replicas),
  gateway: { replicas, pod: { annotations: { example: mark } } },
});

export default scenario(
  "a rollout as the status tells it: one that goes well, one that a person undoes, one of a failed upgrade",
  async (cluster, report) => {
    const { ledger } = cluster;
    await cluster.install();
    await cluster.namespace(NAMESPACE);
    await cluster.apply(NAMESPACE, ...sampleBackend("sample-backend", 1));
    await cluster.rolledOut(NAMESPACE, "sample-backend");
    const proxy = await WatchedProxy.make(cluster, [NAMESPACE, NAME], spec("first"), 2);
    const { history } = proxy;

    for (const mark of ["second", "third"])
      await report.step(`a ${mark} shape: RollingOut, n of m, and Programmed behind the last new pod`, async () => {
        const since = Date.now();
        await cluster.apply(NAMESPACE, proxyManifest(NAME, spec(mark)));
        const told = await history.until("Programmed", ROLLING, { since });
        assert.match(told.message, /\b\d of \d\b/);
        const { at } = await history.until("Programmed", DONE, { since: told.at });
        assert.deepEqual(history.course("Programmed", since), [DONE, ROLLING, DONE]);
        assert.deepEqual(history.course("Ready"), ["True Ready"]);
        await isComplete(cluster, at, mark);
        report.figure("a rollout of two pods", seconds(at - since));
      });

    await report.step("more pods: not Programmed before each of them serves", async () => {
      const since = Date.now();
      await cluster.apply(NAMESPACE, proxyManifest(NAME, spec("third", 4)));
      const told = await history.until("Programmed", ROLLING, { since });
      const { at } = await history.until("Programmed", DONE, { since: told.at });
      await isComplete(cluster, at, "third", 4);
      await cluster.apply(NAMESPACE, proxyManifest(NAME, spec("third")));
      await settled(cluster, NAMESPACE, NAME, ({ length }) => length === 2);
      await cluster.condition(NAMESPACE, NAME, "Programmed");
    });

    await report.step("kubectl rollout undo: the operator writes its own shape again", async () => {
      const since = Date.now();
      const before = (await deployment(cluster)).metadata?.generation ?? 0;
      await cluster.kubectl("-n", NAMESPACE, "rollout", "undo", `deployment/wsproxy-${NAME}`);
      await cluster.until("the Deployment is as the operator writes it", async () => {
        const { metadata, spec: found } = await deployment(cluster);
        const writes = (metadata?.generation ?? 0) - before;
        return writes >= 2 && found?.template.metadata?.annotations?.["example"] === "third"; // the person's, and ours
      });
      await settled(cluster, NAMESPACE, NAME, ({ length }) => length === 2);
      await cluster.condition(NAMESPACE, NAME, "Programmed");
      const course = history.course("Programmed", since);
      assert.ok(!course.includes(STUCK), course.join(", "));
      assert.deepEqual(history.course("Ready"), ["True Ready"]);
    });

    await report.step("a person pauses the Deployment: an edit is RolloutStuck until it is resumed", async () => {
      const pause = (verb: string): Promise<string> =>
        cluster.kubectl("-n", NAMESPACE, "rollout", verb, `deployment/wsproxy-${NAME}`);
      await pause("pause");
      const since = Date.now();
      await cluster.apply(NAMESPACE, proxyManifest(NAME, spec("paused")));
      const told = await history.until("Programmed", STUCK, { since });
      assert.match(told.message, /paused/);
      await pause("resume");
      const { at } = await history.until("Programmed", DONE, { since: told.at });
      await isComplete(cluster, at, "paused");
      assert.deepEqual(await proxy.firstWarnings(), ["Warning RolloutStuck"]);
    });

    await report.step("a new listener port: clients get in all the time", async () => {
      const arrivals = Arrivals.start(cluster, proxy.url, 100);
      const since = Date.now();
      await cluster.apply(NAMESPACE, proxyManifest(NAME, { ...spec("paused"), listener: { port: 8081 } }));
      const { at } = await history.until("Programmed", DONE, { since });
      await isComplete(cluster, at, "paused");
      await arrivals.stop();
      assert.equal(reasonsOf(arrivals.refused), "none");
      assert.deepEqual(history.course("Programmed", since), [DONE, ROLLING, DONE]);
      assert.deepEqual(history.course("Ready"), ["True Ready"]);
    });

    await report.step("a pod that is deleted is replaced: RollingOut, and no warning", async () => {
      const [one] = await settled(cluster, NAMESPACE, NAME, ({ length }) => length === 2);
      const since = Date.now();
      await cluster.kubectl("-n", NAMESPACE, "delete", "pod", nameOf(one ?? {}));
      await settled(
        cluster,
        NAMESPACE,
        NAME,
        (all) => all.length === 2 && !all.some((pod) => nameOf(pod) === nameOf(one ?? {})),
      );
      await cluster.condition(NAMESPACE, NAME, "Programmed");
      assert.ok(!history.course("Programmed", since).includes(STUCK));
      assert.deepEqual(history.course("Ready"), ["True Ready"]);
      assert.deepEqual(await proxy.warnings(), ["Warning RolloutStuck"]); // of the pause
    });

    await report.step("an upgrade to an image that does not exist: RolloutStuck, and no client notices", async () => {
      const since = Date.now();
      const session = await ledger.open(proxy.url, { as: "stays" });
      await cluster.install("--set", `dataplane.image=${NO_IMAGE}`);
      const told = await history.until("Programmed", STUCK, { since });
      assert.match(told.message, /ErrImagePull|ImagePullBackOff/);
      report.figure("helm upgrade with a wrong image, to RolloutStuck", seconds(told.at - since));
      await proxy.serves(session);
      const wait = ["wait", "--for=condition=Programmed", `wsp/${NAME}`, "--timeout=5s"];
      await assert.rejects(cluster.kubectl("-n", NAMESPACE, ...wait), /timed out/);
      await cluster.install();
      await history.until("Programmed", DONE, { since: told.at });
      await proxy.serves(session);
      assert.deepEqual(history.course("Ready"), ["True Ready"]);
      await cluster.until("an Event says so", async () => (await proxy.warnings()).length > 1);
      assert.deepEqual(await proxy.warnings(), ["Warning RolloutStuck", "Warning RolloutStuck"]); // and of the pause
    });

    await report.step("no handshake was refused; each session that ended was on a pod that stopped", () => {
      assert.deepEqual(ledger.refusals, []);
      assert.deepEqual(ledger.disorder(), []);
      for (const { closed } of ledger.ended)
        if (closed.code !== 1000) assert.deepEqual([closed.code, closed.text], [1012, "Draining"]);
      return Promise.resolve();
    });
  },
  { minutes: 8 },
);

async function deployment(cluster: Cluster): Promise<V1Deployment> {
  const found = await cluster.get<V1Deployment>(KINDS.Deployment, NAMESPACE, `wsproxy-${NAME}`);
  assert.ok(found, "there is no Deployment");
  return found;
}

/** At that moment so many pods had this shape, and were ready. Kubernetes tells times in whole seconds. */
async function isComplete(cluster: Cluster, at: number, mark: string, count = 2): Promise<void> {
  const pods = (await dataplanePods(cluster, NAMESPACE, NAME)).filter(isServing);
  assert.equal(pods.length, count);
  for (const pod of pods) {
    assert.equal(pod.metadata?.annotations?.["example"], mark, `${nameOf(pod)} has the old shape`);
    const ready = pod.status?.conditions?.find(({ type }) => type === "Ready");
    const since = new Date(ready?.lastTransitionTime ?? Number.NaN).getTime();
    assert.ok(since <= at, `${nameOf(pod)} was ready only after Programmed was True`);
  }
}
