import assert from "node:assert/strict";
import { samples } from "../admin-port.ts";
import { alertedBy, startAlerting } from "../alerting.ts";
import { atOnce } from "../at-once.ts";
import { SYSTEM } from "../cluster.ts";
import { isServing } from "../dataplane.ts";
import { closePlaces, OBSTACLES, openPlaces, PLACES, preparePlaces, specOf, type Obstacle } from "../obstacles.ts";
import { operatorPods } from "../operator-pods.ts";
import { eventsOf } from "../proxy-events.ts";
import { seconds } from "../report.ts";
import { scenario } from "../scenario.ts";
import { StatusHistory } from "../status-history.ts";
import { WatchedProxy, warningsIn } from "../watched-proxy.ts";
import { proxyManifest } from "../web-socket-proxy.ts";

const STUCK = "False RolloutStuck";
const DONE = "True Programmed";
/** Made where no pod of it can be. */
const NEW = { namespace: PLACES.limited, name: "new" };

/** Beside the cluster. */
export const needs = ["prometheus"];

export default scenario(
  "a rollout that is stuck: the status says why, and no client notices",
  async (cluster, report) => {
    const { ledger } = cluster;
    await cluster.install();
    await preparePlaces(cluster);
    const watched = new Map<string, WatchedProxy>();
    await report.step(`${OBSTACLES.length} proxies are Programmed, and a client is on each`, async () => {
      const make = async ({ namespace, name }: Obstacle): Promise<unknown> =>
        watched.set(name, await WatchedProxy.make(cluster, [namespace, name], specOf(1), 1));
      await Promise.all(OBSTACLES.map(make));
    });
    const proxyOf = ({ name }: Obstacle): WatchedProxy => {
      const proxy = watched.get(name);
      assert.ok(proxy, name);
      return proxy;
    };
    const prometheus = await startAlerting(cluster);

    await closePlaces(cluster);
    const started = Date.now();
    for (const { namespace, name, edit } of OBSTACLES)
      await cluster.apply(namespace, proxyManifest(name, { ...specOf(1), ...edit }));
    const becomesStuck = (obstacle: Obstacle) => (): Promise<void> =>
      report.step(`${obstacle.title}: RolloutStuck with Kubernetes' words`, async () => {
        const { history } = proxyOf(obstacle);
        const told = await history.until("Programmed", STUCK, { since: started, ms: obstacle.within });
        assert.match(told.message, obstacle.words);
        report.figure(`${obstacle.name}, from the edit to RolloutStuck`, seconds(told.at - started));
        assert.ok(told.at - started < obstacle.within);
        await staysStuck(obstacle);
      });
    await atOnce(...OBSTACLES.map(becomesStuck));

    await report.step("a new proxy that can have no pod: RolloutStuck, too, and not Ready", async () => {
      const { namespace, name } = NEW;
      const since = Date.now();
      await cluster.apply(namespace, proxyManifest(name, specOf(1)));
      const history = await StatusHistory.follow(cluster, namespace, name);
      const told = await history.until("Programmed", STUCK, { ms: 60_000 });
      assert.match(told.message, /minimum memory usage per Container is 1Gi/);
      assert.equal(history.course("Ready").at(-1), "False NoReadyPods");
      let events: string[] = [];
      const warned = async (): Promise<boolean> => {
        events = warningsIn(await eventsOf(cluster, namespace, name));
        return events.length > 0;
      };
      await cluster.until("an Event says so", warned);
      assert.deepEqual(events, ["Warning RolloutStuck"]);
      report.figure("a new proxy, to RolloutStuck", seconds(told.at - since));
    });

    await report.step("the alert is about all of them; none says of a proxy with a pod that it has none", async () => {
      const wanted = [...OBSTACLES, NEW].map(keyOf).toSorted();
      let found: string[] = [];
      const alerted = async (): Promise<boolean> => {
        found = await alertedBy(prometheus, "WSProxyRolloutStuck");
        return found.join() === wanted.join();
      };
      await cluster.until("the alert knows them", alerted).catch(() => assert.deepEqual(found, wanted));
      const unready = await alertedBy(prometheus, "WSProxyNotReady");
      assert.deepEqual(
        unready.filter((proxy) => proxy !== keyOf(NEW)),
        [],
      );
    });

    await report.step("they stay as they are: one state, one Event, and every client is served", async () => {
      for (const obstacle of OBSTACLES) await staysStuck(obstacle);
    });

    await report.step("a new operator finds them as they are, and writes no Event again", async () => {
      await cluster.kubectl("-n", SYSTEM, "rollout", "restart", "deployment/wsproxy-operator");
      await cluster.rolledOut(SYSTEM, "wsproxy-operator");
      for (const obstacle of OBSTACLES) {
        const { history } = proxyOf(obstacle);
        await cluster.until(`the new operator says that ${obstacle.name} is stuck`, () => isTold(obstacle));
        assert.equal(history.course("Programmed").at(-1), STUCK, obstacle.name);
        assert.deepEqual(await proxyOf(obstacle).warnings(), ["Warning RolloutStuck"], obstacle.name);
        assert.deepEqual(history.course("Ready", started), ["True Ready"], obstacle.name);
      }
    });

    await report.step("once nothing is in the way, all are Programmed", async () => {
      const since = Date.now();
      await openPlaces(cluster);
      for (const { namespace, name, inSpec } of OBSTACLES)
        if (inSpec) await cluster.apply(namespace, proxyManifest(name, specOf(1)));
      for (const obstacle of OBSTACLES) {
        const { name, inSpec } = obstacle;
        const proxy = proxyOf(obstacle);
        const { history, session, url } = proxy;
        const { at } = await history.until("Programmed", DONE, { since });
        report.figure(`${name}, to Programmed again`, seconds(at - since));
        assert.deepEqual(history.course("Ready"), ["True Ready"], name);
        // Where the edit was taken back, the pods of before are the wanted ones.
        if (inSpec) await proxy.serves();
        else {
          const { code, text } = await session.ended(60_000);
          assert.deepEqual([code, text], [1012, "Draining"], name);
          await (await ledger.open(url, { as: name })).echo("on the new pod");
        }
        assert.deepEqual(await proxy.warnings(), ["Warning RolloutStuck"], name);
      }
      await cluster.condition(NEW.namespace, NEW.name, "Programmed");
      await cluster.condition(NEW.namespace, NEW.name, "Ready");
    });

    await report.step("no handshake was refused, and no message is missing", () => {
      assert.deepEqual(ledger.refusals, []);
      assert.deepEqual(ledger.disorder(), []);
      return Promise.resolve();
    });

    /** One state since it is stuck, one Event, one series; Ready stays True, clients stay and come. */
    async function staysStuck(obstacle: Obstacle): Promise<void> {
      const proxy = proxyOf(obstacle);
      const course = proxy.history.course("Programmed", started);
      const states = course.filter((state) => state !== "False RollingOut");
      assert.deepEqual(states, [DONE, STUCK], `${obstacle.name}: ${course.join(", ")}`);
      assert.deepEqual(proxy.history.course("Ready", started), ["True Ready"], obstacle.name);
      await proxy.serves();
      assert.deepEqual(await proxy.firstWarnings(), ["Warning RolloutStuck"], obstacle.name);
      assert.ok(await isTold(obstacle), obstacle.name);
    }

    /** By the metrics of the operators that run now. */
    async function isTold(obstacle: Obstacle): Promise<boolean> {
      const operators = (await operatorPods(cluster)).filter(isServing);
      const labels = { proxy: keyOf(obstacle), condition: "Programmed", reason: "RolloutStuck" };
      return (await samples(cluster, operators, "wsproxy_operator_proxy_condition", labels)).join() === "0";
    }
  },
  { minutes: 6 },
);

function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}
