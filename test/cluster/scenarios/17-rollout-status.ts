import assert from "node:assert/strict";
import type { V1Deployment } from "@kubernetes/client-node";
import { KINDS } from "../../../operator/kube/kinds.ts";
import { Arrivals, reasonsOf } from "../arrivals.ts";
import { atOnce } from "../at-once.ts";
import type { Cluster } from "../cluster.ts";
import { dataplanePods, isSame, isServing, nameOf, settled } from "../dataplane.ts";
import { specOf } from "../obstacles.ts";
import { seconds, type Report } from "../report.ts";
import { scenario } from "../scenario.ts";
import { WatchedProxy } from "../watched-proxy.ts";
import { proxyManifest } from "../web-socket-proxy.ts";
import { sampleBackend } from "../workloads.ts";

const NAMESPACE = "rollout-status";
/** The first is changed by its spec, the second by people who change its Deployment and its pods. */
const EDITED = "edited";
const TOUCHED = "touched";
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
    const make = (name: string): Promise<WatchedProxy> =>
      WatchedProxy.make(cluster, [NAMESPACE, name], spec("first"), 2);
    const [edited, touched] = await Promise.all([make(EDITED), make(TOUCHED)]);

    await atOnce(
      () => editsOf(cluster, report, edited),
      () => touchesOf(cluster, report, touched),
    );

    await report.step("an upgrade to an image that does not exist: RolloutStuck, and no client notices", async () => {
      const since = Date.now();
      const sessions = new Map([
        [edited, await ledger.open(edited.url, { as: "stays" })],
        [touched, await ledger.open(touched.url, { as: "stays, too" })],
      ]);
      const before = new Map([
        [edited, (await edited.warnings()).length],
        [touched, (await touched.warnings()).length],
      ]);
      await cluster.install("--set", `dataplane.image=${NO_IMAGE}`);
      for (const [{ history }] of sessions) {
        const told = await history.until("Programmed", STUCK, { since });
        assert.match(told.message, /ErrImagePull|ImagePullBackOff/);
        report.figure("helm upgrade with a wrong image, to RolloutStuck", seconds(told.at - since));
      }
      for (const [proxy, session] of sessions) await proxy.serves(session);
      const wait = ["wait", "--for=condition=Programmed", "wsp", "--all", "--timeout=3s"];
      await assert.rejects(cluster.kubectl("-n", NAMESPACE, ...wait), /timed out/);
      const corrected = Date.now();
      await cluster.install();
      for (const [proxy, session] of sessions) {
        await proxy.history.until("Programmed", DONE, { since: corrected });
        await proxy.serves(session);
        assert.deepEqual(proxy.history.course("Ready"), ["True Ready"]);
        const warned = async (): Promise<boolean> => (await proxy.warnings()).length > (before.get(proxy) ?? 0);
        await cluster.until("an Event says so", warned);
        assert.deepEqual((await proxy.warnings()).slice(before.get(proxy)), ["Warning RolloutStuck"]);
      }
    });

    await report.step("no handshake was refused; each session that ended was on a pod that stopped", () => {
      assert.deepEqual(ledger.refusals, []);
      assert.deepEqual(ledger.disorder(), []);
      for (const { closed } of ledger.ended)
        if (closed.code !== 1000) assert.deepEqual([closed.code, closed.text], [1012, "Draining"]);
      return Promise.resolve();
    });
  },
  { minutes: 6 },
);

async function editsOf(cluster: Cluster, report: Report, { history }: WatchedProxy): Promise<void> {
  for (const mark of ["second", "third"])
    await report.step(`a ${mark} shape: RollingOut, n of m, and Programmed behind the last new pod`, async () => {
      const since = Date.now();
      await cluster.apply(NAMESPACE, proxyManifest(EDITED, spec(mark)));
      const told = await history.until("Programmed", ROLLING, { since });
      assert.match(told.message, /\b\d of \d\b/);
      const { at } = await history.until("Programmed", DONE, { since: told.at });
      assert.deepEqual(history.course("Programmed", since), [DONE, ROLLING, DONE]);
      assert.deepEqual(history.course("Ready"), ["True Ready"]);
      await isComplete(cluster, EDITED, at, mark);
      report.figure("a rollout of two pods", seconds(at - since));
    });

  await report.step("more pods: not Programmed before each of them serves", async () => {
    const since = Date.now();
    await cluster.apply(NAMESPACE, proxyManifest(EDITED, spec("third", 4)));
    const told = await history.until("Programmed", ROLLING, { since });
    const { at } = await history.until("Programmed", DONE, { since: told.at });
    await isComplete(cluster, EDITED, at, "third", 4);
    await cluster.apply(NAMESPACE, proxyManifest(EDITED, spec("third")));
    await settled(cluster, NAMESPACE, EDITED, ({ length }) => length === 2);
    await cluster.condition(NAMESPACE, EDITED, "Programmed");
  });

  await report.step("kubectl rollout undo: the operator writes its own shape again", async () => {
    const since = Date.now();
    const before = (await deployment(cluster, EDITED)).metadata?.generation ?? 0;
    await cluster.kubectl("-n", NAMESPACE, "rollout", "undo", `deployment/wsproxy-${EDITED}`);
    await cluster.until("the Deployment is as the operator writes it", async () => {
      const { metadata, spec: found } = await deployment(cluster, EDITED);
      const writes = (metadata?.generation ?? 0) - before;
      return writes >= 2 && found?.template.metadata?.annotations?.["example"] === "third"; // the person's, and ours
    });
    await settled(cluster, NAMESPACE, EDITED, ({ length }) => length === 2);
    await cluster.condition(NAMESPACE, EDITED, "Programmed");
    const course = history.course("Programmed", since);
    assert.ok(!course.includes(STUCK), course.join(", "));
    assert.deepEqual(history.course("Ready"), ["True Ready"]);
  });
}

async function touchesOf(cluster: Cluster, report: Report, proxy: WatchedProxy): Promise<void> {
  const { history } = proxy;
  await report.step("a person pauses the Deployment: an edit is RolloutStuck until it is resumed", async () => {
    const pause = (verb: string): Promise<string> =>
      cluster.kubectl("-n", NAMESPACE, "rollout", verb, `deployment/wsproxy-${TOUCHED}`);
    await pause("pause");
    const since = Date.now();
    await cluster.apply(NAMESPACE, proxyManifest(TOUCHED, spec("paused")));
    const told = await history.until("Programmed", STUCK, { since });
    assert.match(told.message, /paused/);
    await pause("resume");
    const { at } = await history.until("Programmed", DONE, { since: told.at });
    await isComplete(cluster, TOUCHED, at, "paused");
    assert.deepEqual(await proxy.firstWarnings(), ["Warning RolloutStuck"]);
  });

  await report.step("a new listener port: clients get in all the time", async () => {
    const arrivals = Arrivals.start(cluster, proxy.url, 100);
    const since = Date.now();
    await cluster.apply(NAMESPACE, proxyManifest(TOUCHED, { ...spec("paused"), listener: { port: 8081 } }));
    const { at } = await history.until("Programmed", DONE, { since });
    await isComplete(cluster, TOUCHED, at, "paused");
    await arrivals.stop();
    assert.equal(reasonsOf(arrivals.refused), "none");
    assert.deepEqual(history.course("Programmed", since), [DONE, ROLLING, DONE]);
    assert.deepEqual(history.course("Ready"), ["True Ready"]);
  });

  await report.step("a pod that is deleted is replaced: RollingOut, and no warning", async () => {
    const [one = {}] = await settled(cluster, NAMESPACE, TOUCHED, ({ length }) => length === 2);
    const since = Date.now();
    await cluster.kubectl("-n", NAMESPACE, "delete", "pod", nameOf(one));
    await settled(cluster, NAMESPACE, TOUCHED, (all) => all.length === 2 && !all.some(isSame(one)));
    await cluster.condition(NAMESPACE, TOUCHED, "Programmed");
    assert.ok(!history.course("Programmed", since).includes(STUCK));
    assert.deepEqual(history.course("Ready"), ["True Ready"]);
    assert.deepEqual(await proxy.warnings(), ["Warning RolloutStuck"]); // of the pause
  });
}

async function deployment(cluster: Cluster, name: string): Promise<V1Deployment> {
  const found = await cluster.get<V1Deployment>(KINDS.Deployment, NAMESPACE, `wsproxy-${name}`);
  assert.ok(found, "there is no Deployment");
  return found;
}

/** At that moment so many pods had this shape, and were ready. Kubernetes tells times in whole seconds. */
async function isComplete(cluster: Cluster, name: string, at: number, mark: string, count = 2): Promise<void> {
  const pods = (await dataplanePods(cluster, NAMESPACE, name)).filter(isServing);
  assert.equal(pods.length, count);
  for (const pod of pods) {
    assert.equal(pod.metadata?.annotations?.["example"], mark, `${nameOf(pod)} has the old shape`);
    const ready = pod.status?.conditions?.find(({ type }) => type === "Ready");
    const since = new Date(ready?.lastTransitionTime ?? Number.NaN).getTime();
    assert.ok(since <= at, `${nameOf(pod)} was ready only after Programmed was True`);
  }
}
