import assert from "node:assert/strict";
import type { V1Pod } from "@kubernetes/client-node";
import { ApiError } from "../../../operator/kube/api-error.ts";
import { KINDS, pathOf } from "../../../operator/kube/kinds.ts";
import { Arrivals } from "../arrivals.ts";
import type { Cluster } from "../cluster.ts";
import { Crowd } from "../crowd.ts";
import { dataplanePods, isServing, nameOf, reached, sessionsOn, settled } from "../dataplane.ts";
import { Departures, endings, type Departure } from "../departures.ts";
import { gracefulBackend } from "../graceful-backend.ts";
import { IMAGE } from "../image.ts";
import { operatorPods } from "../operator-pods.ts";
import type { Report } from "../report.ts";
import { scenario } from "../scenario.ts";
import { proxyManifest } from "../web-socket-proxy.ts";

const NEXT = "wsproxy:e2e-next";
const NAME = "rollouts";
const DRAIN = 4000;
const CROWD = 120;

const spec = (replicas: number): object => ({
  gateway: { replicas },
  dataplane: { drain: { period: `${DRAIN}ms` } },
  listener: { trustedProxies: ["0.0.0.0/0"] }, // clients have addresses of their own, by which they are found on a pod
  routes: [
    {
      name: "all",
      backends: [{ service: "sample-backend", port: "ws" }],
      policies: { authentication: { require: "None" } },
    },
  ],
});

const imageOf = ({ spec: pod }: V1Pod): string => pod?.containers[0]?.image ?? "";

export default scenario(
  "rollouts: each session that ends gets its reason, and no handshake is refused",
  async (cluster, report) => {
    const { ledger } = cluster;
    await cluster.provider.tag(cluster.image.name, `docker.io/library/${NEXT}`);
    await cluster.install("--set", `dataplane.image=${IMAGE}`);
    const namespace = await cluster.namespace(NAME);
    await cluster.apply(namespace, ...gracefulBackend());
    await cluster.rolledOut(namespace, "sample-backend");
    const url = await cluster.proxy(namespace, NAME, spec(2));
    const gateways = (): Promise<V1Pod[]> => dataplanePods(cluster, namespace, NAME);
    await reached(cluster, namespace, NAME, 2, () => ledger.open(url));
    const crowd = await Crowd.gather(cluster, url, CROWD);
    const arrivals = Arrivals.start(cluster, url, 50);
    const departures = new Departures(cluster, namespace, NAME);
    /** Sessions that their client has not ended itself. */
    const sentAway = (since = 0) => ledger.ended.filter(({ closed }) => closed.at > since && closed.code !== 1000);

    await report.step("a new image of the operator: no gateway notices", async () => {
      const before = (await gateways()).map(nameOf).toSorted();
      await cluster.install("--set", `dataplane.image=${IMAGE}`, "--set", "image.tag=e2e-next");
      const operators = await settledOperators(cluster, NEXT);
      assert.equal(operators.length, 2);
      // The new one works: it brings a change to the gateways.
      await cluster.proxy(namespace, NAME, {
        ...spec(2),
        policies: { keepalive: { interval: "20s", timeout: "10s" } },
      });
      await cluster.proxy(namespace, NAME, spec(2));
      assert.deepEqual((await gateways()).map(nameOf).toSorted(), before);
      assert.deepEqual(sentAway(), []);
    });

    await report.step("a new image of the data plane: 1012, spread over the drain period", async () => {
      const started = Date.now();
      await cluster.install("--set", `dataplane.image=${NEXT}`, "--set", "image.tag=e2e-next");
      const pods = await settled(
        cluster,
        namespace,
        NAME,
        (all) => all.length === 2 && all.every((pod) => imageOf(pod) === NEXT),
      );
      report.figure(
        "rollout of 2 gateway pods, to the end of the last old one",
        `${((Date.now() - started) / 1000).toFixed(1)} s`,
      );
      await cluster.until("the crowd is back", async () => crowd.whole);
      checkDepartures(departures.take(), 2);
      const on = await Promise.all(pods.map((pod) => sessionsOn(cluster, pod)));
      const found = new Set(on.flat().map(({ address }) => address));
      assert.ok(
        crowd.sessions.every(({ entry }) => found.has(entry.as)),
        "a client is not on a new pod",
      );
      assert.ok(
        on.every(({ length }) => length > 0),
        "a new pod got no client",
      );
    });

    await report.step(
      "scaled up, the new pod takes clients and no session moves; scaled down, only one pod's sessions end",
      async () => {
        const mark = Date.now();
        await cluster.proxy(namespace, NAME, spec(3));
        const pods = await settled(cluster, namespace, NAME, (all) => all.length === 3);
        const youngest = pods.toSorted((a, b) => born(a) - born(b)).at(-1);
        assert.ok(youngest);
        await cluster.until(
          "a newcomer is on the new pod",
          async () => (await sessionsOn(cluster, youngest)).length > 0,
        );
        assert.deepEqual(sentAway(mark), []);

        // Kubernetes would take the youngest pod, which has no client of the crowd: another is made the cheapest.
        const older = pods.filter((pod) => pod !== youngest);
        const [one = [], other = []] = await Promise.all(older.map((pod) => sessionsOn(cluster, pod)));
        const busiest = older[one.length > other.length ? 0 : 1];
        await cluster.kubectl(
          "-n",
          namespace,
          "annotate",
          "pod",
          nameOf(busiest ?? {}),
          "controller.kubernetes.io/pod-deletion-cost=-1",
        );
        await cluster.apply(namespace, proxyManifest(NAME, spec(2)));
        await settled(cluster, namespace, NAME, (all) => all.length === 2);
        await cluster.until("the crowd is back", async () => crowd.whole);
        checkDepartures(departures.take(), 1);
      },
    );

    await report.step("evicted one at a time, as a node is drained: the budget holds", async () => {
      const old = await settled(cluster, namespace, NAME, (all) => all.length === 2);
      const refusals: string[] = [];
      for (const pod of old) {
        await cluster.until(`${nameOf(pod)} may be evicted`, async () => {
          const refusal = await evict(cluster, pod);
          if (refusal !== undefined && pod !== old[0]) refusals.push(refusal); // of the first, it may be too early
          else if (refusal === undefined) assert.ok((await gateways()).some(isServing), "no pod serves");
          return refusal === undefined;
        });
      }
      assert.ok(refusals.length > 0, "the second pod was evicted at once, beside the first");
      for (const refusal of refusals) assert.match(refusal, /disruption budget/);
      await settled(
        cluster,
        namespace,
        NAME,
        (all) => all.length === 2 && all.every((pod) => !old.some((it) => nameOf(it) === nameOf(pod))),
      );
      await cluster.until("the crowd is back", async () => crowd.whole);
      checkDepartures(departures.take(), 2);
    });

    await report.step("a new image of the backend: its own code, and all are on new pods", async () => {
      const mark = Date.now();
      await cluster.apply(namespace, ...gracefulBackend(NEXT));
      await cluster.rolledOut(namespace, "sample-backend");
      let fresh: V1Pod[] = [];
      await cluster.until("the old backends are gone", async () => {
        fresh = await cluster.pods(namespace, "app=sample-backend");
        return fresh.length === 3 && fresh.every((pod) => imageOf(pod) === NEXT);
      });
      await cluster.until("the crowd is back", async () => crowd.whole);
      const ended = sentAway(mark);
      assert.ok(ended.length >= CROWD);
      for (const { closed } of ended)
        assert.deepEqual([closed.code, closed.text], [1001, "the sample backend is stopping"]);
      const names = new Set(fresh.map(nameOf));
      assert.ok(
        crowd.sessions.every(({ entry }) => names.has(entry.backend ?? "")),
        "a client is on an old backend",
      );
    });

    await report.step("meanwhile no handshake was refused, and no message was lost or out of order", async () => {
      await departures.stop();
      await arrivals.stop();
      crowd.disperse();
      for (const session of crowd.sessions) await session.caughtUp();
      assert.deepEqual(arrivals.unheard, []);
      report.times(
        `handshakes meanwhile, ${ledger.refusals.length} of ${ledger.entries.length} refused`,
        arrivals.times,
      );
      report.times("from a Close to the client's next 101", crowd.away);
      assert.deepEqual(ledger.refusals, []);
      assert.deepEqual(ledger.disorder(), []);
      assert.ok(departures.fewest >= 1, "there was a moment without a gateway");
      for (const { closed, backend } of sentAway())
        assert.ok([1012, 1001].includes(closed.code), `${closed.code}, on ${backend}`);
    });

    function checkDepartures(gone: readonly Departure[], wanted: number): void {
      assert.equal(gone.length, wanted, `pods gone: ${gone.map(({ pod }) => pod).join(", ")}`);
      for (const departure of gone) {
        const ends = endings(ledger.ended, departure);
        for (const { code, text } of ends) assert.deepEqual([code, text], [1012, "Draining"]);
        checkSpread(
          ends.map(({ at }) => at),
          report,
        );
      }
    }
  },
  { minutes: 7 },
);

const born = ({ metadata }: V1Pod): number => new Date(metadata?.creationTimestamp ?? 0).getTime();

/** Evenly: none much before or after its time, and no long pause between two. */
function checkSpread(moments: readonly number[], report: Report): void {
  const sorted = moments.toSorted((a, b) => a - b);
  const [first = Number.NaN, last = Number.NaN] = [sorted[0], sorted.at(-1)];
  const pauses = sorted.slice(1).map((at, index) => at - (sorted[index] ?? at));
  const longest = Math.max(...pauses);
  report.figure(
    "a pod's sessions ended",
    `${sorted.length}, over ${last - first} ms of ${DRAIN}; longest pause ${longest} ms`,
  );
  assert.ok(sorted.length >= 10, `only ${sorted.length} sessions were on it`);
  assert.ok(last - first > DRAIN * 0.7 && last - first < DRAIN + 3000, `over ${last - first} ms`);
  assert.ok(longest < DRAIN / 2, `a pause of ${longest} ms`);
}

/** Asks for a pod's eviction; what the API server said, where it is not the time. */
async function evict(cluster: Cluster, { metadata }: V1Pod): Promise<string | undefined> {
  const { name = "", namespace } = metadata ?? {};
  const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } };
  try {
    await cluster.api.request({ method: "POST", path: `${pathOf(KINDS.Pod, namespace, name)}/eviction`, body });
    return undefined;
  } catch (error) {
    if (error instanceof ApiError && error.status === 429) return error.message;
    throw error;
  }
}

async function settledOperators(cluster: Cluster, image: string): Promise<V1Pod[]> {
  let pods: V1Pod[] = [];
  await cluster.until(`the operators are of ${image}`, async () => {
    pods = await operatorPods(cluster);
    return pods.every((pod) => isServing(pod) && imageOf(pod) === image);
  });
  return pods;
}
