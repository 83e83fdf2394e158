import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { V1Pod } from "@kubernetes/client-node";
import { keyOf } from "../../fakes/api-keys.ts";
import { Arrivals, reasonsOf } from "../arrivals.ts";
import { SYSTEM } from "../cluster.ts";
import { Crowd } from "../crowd.ts";
import { crash, dataplanePods, isSame, isServing, nameOf, reached, sessionsOn, settled } from "../dataplane.ts";
import type { Ending, Entry } from "../entry.ts";
import { withoutApiServer, withoutNames } from "../outages.ts";
import { operatorPods } from "../operator-pods.ts";
import { seconds } from "../report.ts";
import { scenario } from "../scenario.ts";
import { isObserved, proxyManifest } from "../web-socket-proxy.ts";
import { apiKeys, byApiKey, hasReadyEndpoint, sampleBackend, slicesFollow } from "../workloads.ts";

const NAME = "faults";
const CROWD = 60;
const LIMIT = 2;
/** How long there is no operator, in ms. */
const NO_OPERATOR = 120_000;
/** The API server's absence, in ms: longer than an operator leads without it. */
const ABSENCE = 60_000;

/** `marker` is a route more, by which it can be told which spec a gateway serves. */
function spec(marker?: string): object {
  const backends = [{ service: "sample-backend", port: "ws" }];
  const open = { authentication: { require: "None" } };
  return {
    dataplane: { drain: { period: "2s" } },
    listener: { trustedProxies: ["0.0.0.0/0"] }, // clients have addresses of their own, by which they are found on a pod
    routes: [
      { name: "open", path: { value: "/open" }, backends, policies: open },
      {
        name: "limited",
        path: { value: "/limited" },
        backends,
        policies: {
          ...byApiKey,
          connections: [{ per: "Client", limit: LIMIT }],
        },
      },
      ...(marker === undefined ? [] : [{ name: marker, path: { value: `/${marker}` }, backends, policies: open }]),
    ],
  };
}

export default scenario(
  "faults: what is open stays open, and what was lost comes back by itself",
  async (cluster, report) => {
    const { ledger } = cluster;
    await cluster.install();
    const namespace = await cluster.namespace(NAME);
    await cluster.apply(namespace, ...sampleBackend(), apiKeys("key-alice", ["alice"]), apiKeys("key-bob", ["bob"]));
    await cluster.rolledOut(namespace, "sample-backend");
    const url = await cluster.proxy(namespace, NAME, spec());
    await reached(cluster, namespace, NAME, 2, () => ledger.open(`${url}/open`));
    const crowd = await Crowd.gather(cluster, `${url}/open`, CROWD);
    const arrivals = Arrivals.start(cluster, `${url}/open`, 50);
    const whole = (): Promise<void> => cluster.until("the crowd is whole", async () => crowd.whole);
    /** Sessions of the crowd that have ended. */
    const gone = (since: number): (Entry & { closed: Ending })[] =>
      ledger.ended.filter(({ as, closed }) => as.startsWith("198.18.") && closed.at >= since);
    const refused = (since: number): Entry[] => arrivals.refused.filter(({ dialled }) => dialled >= since);

    await report.step("the operator is deleted: gateways serve, restart, and keep their limits", async () => {
      const [stays, leaves] = await pair();
      const withKey = { as: "bob", headers: { "x-api-key": keyOf("bob") } };
      const bob = await ledger.open(limitedOn(stays), withKey);
      const started = Date.now();
      await cluster.kubectl("-n", SYSTEM, "delete", "deployment", "wsproxy-operator");
      await cluster.until("no operator is there", async () => (await operatorPods(cluster)).length === 0);
      await cluster.kubectl("-n", namespace, "delete", "secret", "key-bob");
      await cluster.kubectl("-n", namespace, "delete", "pod", nameOf(leaves), "--wait=false");
      const pods = await settled(cluster, namespace, NAME, (all) => all.length === 2 && !all.some(isSame(leaves)));
      for (const pod of pods) await keepsLimits(pod);
      await whole();
      for (const { closed } of gone(started)) assert.deepEqual([closed.code, closed.text], [1012, "Draining"]);
      assert.deepEqual(refused(started), []);
      await rest(started + NO_OPERATOR);
      await whole();
      assert.deepEqual(refused(started), []);
      assert.ok(bob.isOpen, "bob's session ended although no operator ran to remove his key");

      const back = Date.now();
      await cluster.install();
      const { code, text, at } = await bob.ended(60_000);
      assert.deepEqual([code, text], [3000, "CredentialRevoked"]);
      for (const pod of pods) {
        const answer = (): Promise<string> =>
          ledger.open(limitedOn(pod), withKey).then(
            async (session) => (await session.close(), "let in"),
            ({ message }: Error) => message,
          );
        await cluster.until(
          `${nameOf(pod)} has heard of it, too`,
          async () => (await answer()) === "refused: 401 CredentialInvalid",
        );
      }
      report.figure("without an operator", `${seconds(back - started)}, no handshake refused`);
      report.figure("from helm install to the revocation that had waited", seconds(at - back));
    });

    await report.step("a gateway's process is killed: the other's sessions stay, it comes back as it was", async () => {
      const [killed, stays] = await pair();
      const on = await addressesOn(stays);
      const started = Date.now();
      await crash(cluster, killed);
      await cluster.until("it was restarted, and serves", async () => {
        const pod = (await dataplanePods(cluster, namespace, NAME)).find(isSame(killed));
        return pod?.status?.containerStatuses?.[0]?.restartCount === 1 && isServing(pod);
      });
      await whole();
      for (const { as, closed } of gone(started)) {
        assert.equal(closed.code, 1006, "a process that is killed says nothing");
        assert.ok(!on.has(as), `${as} was on the other pod`);
      }
      await keepsLimits(killed);
      unanswered("killed gateway", started);
    });

    await report.step(
      "the API server is away: sessions stay, and a gateway that crashes comes back without it",
      async () => {
        const [stays, killed] = await pair();
        const on = await addressesOn(stays);
        const started = Date.now();
        await withoutApiServer(cluster, async () => {
          await crash(cluster, killed);
          const kept = (): Promise<boolean> =>
            keepsLimits(killed).then(
              () => true,
              () => false,
            );
          await cluster.until("the killed gateway keeps its limits", kept);
          await whole();
          await rest(started + ABSENCE);
          for (const { as } of gone(started)) assert.ok(!on.has(as), `${as} was on the other pod`);
          unanswered("API server away, killed gateway", started);
        });
        const back = Date.now();
        report.figure("without an API server", seconds(back - started));
        await cluster.apply(namespace, proxyManifest(NAME, spec("marker")));
        await cluster.until("the operator has done its part", () => isObserved(cluster, namespace, NAME));
        const written = Date.now() - back;
        const served = await arrivalAt(`${url}/marker`);
        report.figure("from its return to the operator's status of a change", seconds(written));
        report.figure(
          "and to the change being served, as soon as the node's kubelet watches again",
          seconds(served - back),
        );
        assert.ok(written < 40_000, "longer than two back-offs");
        await slicesFollow(cluster, namespace);
        assert.deepEqual(refused(back), []);
      },
    );

    await report.step("no names are resolved: clients are served, and changes", async () => {
      const started = Date.now();
      await withoutNames(cluster, async () => {
        await cluster.proxy(namespace, NAME, spec("nameless"));
        await ledger.open(`${url}/nameless`, { as: "nameless" });
      });
      assert.deepEqual(gone(started), []);
      assert.deepEqual(refused(started), []);
    });

    await report.step("a backend's process is killed: 1013 to its clients, and to no others", async () => {
      const [killed] = await cluster.pods(namespace, "app=sample-backend");
      assert.ok(killed);
      const started = Date.now();
      await crash(cluster, killed);
      await cluster.until("its clients know", async () => gone(started).length > 0);
      await whole();
      for (const { backend, closed } of gone(started))
        assert.deepEqual([backend, closed.code, closed.text], [nameOf(killed), 1013, "BackendLost"]);
      report.figure("killed backend, handshakes refused meanwhile", reasonsOf(refused(started)));
      await cluster.rolledOut(namespace, "sample-backend");
    });

    await report.step("all backends go and come back: 502 or 503, and then at once 101", async () => {
      const scale = (replicas: number): Promise<string> =>
        cluster.kubectl("-n", namespace, "scale", "deployment/sample-backend", `--replicas=${replicas}`);
      const started = Date.now();
      await scale(0);
      await cluster.until(
        "there is no endpoint",
        async () => refused(started).at(-1)?.refused?.reason === "NoEndpoints",
      );
      await cluster.until("every session is closed", async () => crowd.sessions.every(({ isOpen }) => !isOpen));
      for (const { closed } of gone(started))
        assert.deepEqual([closed.code, closed.text], [1001, "the sample backend is stopping"]);

      await scale(3);
      await cluster.until("an endpoint is ready", () => hasReadyEndpoint(cluster, namespace, "sample-backend"));
      const ready = Date.now();
      const recovery = await arrivals.firstAfter(ready);
      await whole();
      const reasons = refused(started).map(({ refused: it }) => `${it?.status} ${it?.reason}`);
      assert.deepEqual(
        reasons.filter((reason) => !["503 NoEndpoints", "502 BackendUnreachable"].includes(reason)),
        [],
      );
      report.figure("no backend, handshakes refused meanwhile", reasonsOf(refused(started)));
      report.figure("from the first ready endpoint to the next 101", `${recovery} ms`);
      assert.ok(recovery <= 5000, `${recovery} ms`);
    });

    await report.step(
      "after all that: every session is one that its client knows, and no log holds a key",
      async () => {
        await arrivals.stop();
        crowd.disperse();
        for (const session of crowd.sessions) await session.caughtUp();
        assert.deepEqual(arrivals.unheard, []);
        const pods = await pair();
        await cluster.until("gateways and clients count the same", async () => {
          const counts = await Promise.all(pods.map(async (pod) => (await sessionsOn(cluster, pod)).length));
          return counts.reduce((sum, count) => sum + count, 0) === ledger.live.length;
        });
        assert.deepEqual(ledger.disorder(), []);
        for (const [where, selector] of [
          [namespace, "component=dataplane"],
          [SYSTEM, "component=operator"],
        ] as const) {
          const logs = await cluster.kubectl("-n", where, "logs", "-l", `app.kubernetes.io/${selector}`, "--tail=-1");
          for (const client of ["alice", "bob"])
            assert.ok(!logs.includes(keyOf(client)), `a key of ${client} is in a log`);
        }
      },
    );

    /** Lets time pass until this moment. */
    async function rest(until: number): Promise<void> {
      await sleep(Math.max(0, until - Date.now()), undefined, { signal: cluster.signal });
    }

    /** When the first client was let in by a new route. */
    async function arrivalAt(address: string): Promise<number> {
      const enters = (): Promise<boolean> =>
        ledger.open(address, { as: "marker" }).then(
          () => true,
          () => false,
        );
      await cluster.until(`${address} is served`, enters, 240_000); // a kubelet tries once a minute
      return Date.now();
    }

    /** The two gateways, both of them serving. */
    async function pair(): Promise<[V1Pod, V1Pod]> {
      const [one, two] = await settled(cluster, namespace, NAME, ({ length }) => length === 2);
      assert.ok(one && two);
      return [one, two];
    }

    async function addressesOn(pod: V1Pod): Promise<Set<string>> {
      return new Set((await sessionsOn(cluster, pod)).map(({ address }) => address));
    }

    /** A pod by itself enforces what the config says, and knows no client that it should not. */
    async function keepsLimits(pod: V1Pod): Promise<void> {
      const dial = { as: "alice", headers: { "x-api-key": keyOf("alice") } };
      const inside = [];
      try {
        for (let count = 0; count < LIMIT; count += 1) inside.push(await ledger.open(limitedOn(pod), dial));
        assert.equal(await ledger.dial(limitedOn(pod), dial).refused(), "429 ConnectionLimit");
        assert.equal(await ledger.dial(limitedOn(pod), { as: "mallory" }).refused(), "401 CredentialMissing");
      } finally {
        for (const session of inside) await session.close();
      }
    }

    /** Until its node's rules leave a dead pod out, dials to it fail; no client gets a wrong answer. */
    function unanswered(what: string, since: number): void {
      const lost = refused(since);
      const last = Math.max(since, ...lost.map(({ closed, dialled }) => closed?.at ?? dialled));
      report.figure(`${what}: handshakes that met no pod`, `${lost.length}, the last after ${seconds(last - since)}`);
      assert.deepEqual(
        lost.flatMap(({ refused: answer }) => answer ?? []),
        [],
      );
      assert.ok(last - since < 30_000, "it was away for too long");
    }
  },
  { minutes: 12 },
);

const limitedOn = ({ status }: V1Pod): string => `ws://${status?.podIP}:8080/limited`;
