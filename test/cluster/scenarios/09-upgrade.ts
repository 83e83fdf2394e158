import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { Arrivals } from "../arrivals.ts";
import { SYSTEM, type Cluster } from "../cluster.ts";
import { Crowd } from "../crowd.ts";
import { dataplanePods, nameOf, reached } from "../dataplane.ts";
import { follow, shellBlocks } from "../shell-blocks.ts";
import { IMAGE } from "../image.ts";
import { operatorPods } from "../operator-pods.ts";
import { previousChart } from "../previous-chart.ts";
import { scenario } from "../scenario.ts";
import { sampleBackend } from "../workloads.ts";

const NAME = "upgrade";
const PREVIOUS = "wsproxy:e2e-previous";
const CRD = "CustomResourceDefinition websocketproxies.wsproxy.dev";
/** Of a kind that has just been installed, Kubernetes' garbage collector learns within half a minute; in ms. */
const COLLECTED = 120_000;
/** What the guide says, and what Kubernetes itself puts into a namespace. */
const STAYS = [
  `Lease ${SYSTEM}/wsproxy-operator`,
  `Secret ${SYSTEM}/wsproxy-operator-webhook`,
  `Namespace ${SYSTEM}`,
  `ConfigMap ${SYSTEM}/kube-root-ca.crt`,
  `ServiceAccount ${SYSTEM}/default`,
];

const route = (name: string): object => ({
  name,
  path: { value: `/${name}` },
  backends: [{ service: "sample-backend", port: "ws" }],
  policies: { authentication: { require: "None" } },
});

const spec = (...routes: readonly string[]): object => ({
  dataplane: { drain: { period: "2s" } },
  listener: { trustedProxies: ["0.0.0.0/0"] },
  routes: routes.map(route),
});

export default scenario(
  "upgraded under open sessions, uninstalled, installed again, and taken away: as the guides say",
  async (cluster, report) => {
    const { ledger } = cluster;
    await cluster.uninstall();
    const namespace = await cluster.namespace(NAME);
    const before = new Set(await everything(cluster));
    await cluster.apply(namespace, ...sampleBackend());
    await cluster.rolledOut(namespace, "sample-backend");
    const theirs = (await everything(cluster)).filter((line) => !before.has(line));
    const chart = await previousChart();
    cluster.onEnd(chart.remove);
    const [upgrade = ""] = await shellBlocks("guides/upgrade.md");
    const [after = ""] = await shellBlocks("guides/upgrade.md#After");
    const [withGateways = "", crd = ""] = await shellBlocks("guides/uninstall.md");

    const added = async (): Promise<string[]> => (await everything(cluster)).filter((line) => !before.has(line));
    /** Waits until that, and what is the user's own, is all that is there and was not. */
    const leaves = async (lines: readonly string[]): Promise<void> => {
      let left: string[] = [];
      const wanted = [...lines, ...theirs].toSorted();
      const fits = async (): Promise<boolean> => {
        // A kind that is just going may be listed, and then not be there.
        left = await added().catch((error: unknown) => [String(error)]);
        return isDeepStrictEqual(left, wanted);
      };
      await cluster.until("nothing else is left", fits, COLLECTED).catch(() => assert.deepEqual(left, wanted));
    };

    const url = await report.step("the previous chart is installed, with values of the user's", async () => {
      await cluster.provider.tag(cluster.image.name, `docker.io/library/${PREVIOUS}`);
      const values = [`image.tag=${PREVIOUS.replace(/.*:/, "")}`, `dataplane.image=${IMAGE}`, "logLevel=debug"];
      const set = values.flatMap((value) => ["--set", value]);
      await cluster.helm("install", "wsproxy", chart.folder, "-n", SYSTEM, "--create-namespace", "--wait", ...set);
      report.figure("upgraded from the chart of", chart.origin);
      return cluster.proxy(namespace, NAME, spec("open"));
    });
    const gateways = async (): Promise<string[]> =>
      (await dataplanePods(cluster, namespace, NAME)).map(nameOf).toSorted();
    await reached(cluster, namespace, NAME, 2, () => ledger.open(`${url}/open`));
    const crowd = await Crowd.gather(cluster, `${url}/open`, 40);
    const arrivals = Arrivals.start(cluster, `${url}/open`, 100);
    const pods = await gateways();
    const gateway = (await added()).filter((line) => line.includes(` ${namespace}/`) && !theirs.includes(line));
    const sentAway = () => ledger.ended.filter(({ closed }) => closed.code !== 1000);
    const nobodyNoticed = async (): Promise<void> => {
      assert.deepEqual(await gateways(), pods);
      assert.deepEqual(sentAway(), []);
      assert.deepEqual(ledger.refusals, []);
    };

    await report.step("the upgrade of the guide: operators are replaced, values kept, no session dropped", async () => {
      const started = Date.now();
      assert.match(upgrade, /^helm upgrade wsproxy charts\/wsproxy /);
      // The user's own tag goes back to the chart's; all else is what the guide says.
      await follow(cluster, upgrade.replace(/--reset-then-reuse-values$/m, "$& --set image.tag="));
      report.figure(
        "helm upgrade, until the operator has rolled out",
        `${((Date.now() - started) / 1000).toFixed(1)} s`,
      );
      const operators = await operatorPods(cluster);
      const serving = operators.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
      assert.equal(serving.length, 2);
      for (const { spec: pod } of serving) {
        assert.equal(pod?.containers[0]?.image, IMAGE);
        assert.ok(pod?.containers[0]?.args?.includes("--log-level=debug"));
      }
      await follow(cluster, after);
      await cluster.proxy(namespace, NAME, spec("open", "upgraded"));
      await ledger.open(`${url}/upgraded`, { as: "upgraded" });
      await nobodyNoticed();
    });

    await report.step(
      "uninstalled with the gateways left: they serve, no pod restarts, and no session is dropped",
      async () => {
        await cluster.helm("uninstall", "wsproxy", "-n", SYSTEM, "--wait");
        await leaves([CRD, ...STAYS, ...gateway]);
        const arrived = arrivals.entries.length;
        await cluster.until("ten more came and went", async () => arrivals.entries.length > arrived + 10);
        await nobodyNoticed();
      },
    );

    await report.step("installed again, the operator manages them again, and no session is dropped", async () => {
      await cluster.install("--set", `dataplane.image=${IMAGE}`);
      await cluster.proxy(namespace, NAME, spec("open", "upgraded", "again"));
      await ledger.open(`${url}/again`, { as: "again" });
      await nobodyNoticed();
    });

    await report.step("the uninstall of the guide: 1012 to every session, and all that was made is gone", async () => {
      await arrivals.stop();
      crowd.disperse();
      for (const session of crowd.sessions) await session.caughtUp();
      assert.deepEqual(arrivals.unheard, []);
      const open = ledger.live;
      await follow(cluster, withGateways);
      for (const session of open) {
        const { code, text } = await session.ended(COLLECTED);
        assert.deepEqual([code, text], [1012, "Draining"]);
      }
      await leaves([CRD, ...STAYS]);
      await follow(cluster, crd);
      await leaves(STAYS);
      assert.deepEqual(ledger.disorder(), []);
    });
  },
  { minutes: 8 },
);

/** Not what comes and goes by itself, or with the object that it is about. */
const PASSING = /^(events|componentstatuses|apiservices|endpointslices|endpoints|ipaddresses)\b/;

/** Every object of the cluster, as `Kind namespace/name`. */
async function everything(cluster: Cluster): Promise<string[]> {
  const kinds = (await cluster.kubectl("api-resources", "--verbs=list", "-o", "name")).trim().split("\n");
  const all = kinds.filter((kind) => !PASSING.test(kind)).join(",");
  const columns = "custom-columns=KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name";
  const rows = await cluster.kubectl("get", all, "--all-namespaces", "--no-headers", "-o", columns);
  const lines = rows
    .trim()
    .split("\n")
    .map((row) => {
      const [kind, namespace, name] = row.split(/ +/);
      return namespace === "<none>" ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
    });
  // Kubernetes makes it some seconds after a node has come up.
  return lines.filter((line) => !line.startsWith("Lease kube-node-lease/")).toSorted();
}
