import assert from "node:assert/strict";
import type { V1Pod } from "@kubernetes/client-node";
import { USE_LABEL } from "../../../api/meta.ts";
import { metric, samples } from "../admin-port.ts";
import { reasonsOf } from "../arrivals.ts";
import type { Cluster } from "../cluster.ts";
import { crash, dataplanePods, isServing, reached, settled } from "../dataplane.ts";
import { gracefulBackend } from "../graceful-backend.ts";
import { Holders } from "../holders.ts";
import { urlOf } from "../injected-pods.ts";
import { seconds } from "../report.ts";
import { scenario } from "../scenario.ts";
import type { Session } from "../session.ts";
import {
  asClient,
  besidePolicy,
  besides,
  getsIn,
  GUEST,
  hasEnough,
  LIMIT,
  NAME,
  spec,
  type Parts,
} from "../shared-limits.ts";
import { exampleStore, storeImage } from "../store.ts";
import { talk } from "../talker.ts";
import { proxyManifest, readProxy } from "../web-socket-proxy.ts";
import { apiKeys } from "../workloads.ts";

const CLIENTS = Array.from({ length: 50 }, (_, index) => `client-${index + 1}`);
const [FIRST = ""] = CLIENTS;
/** How many sessions each tries at the same time. */
const TRIES = 20;
/** Over how long the clients begin, in ms, each after the one before: this machine may be too busy for all of them at once. */
const SPREAD = [0, 2_000, 5_000, 10_000];
/** A client that has talked has used its burst: so many are tried, one after another, on a busy machine. */
const TALKERS = 10;
/** Places of a pod that was killed are free by then, in ms; and for a busy machine, in which clients come back. */
const FREE = 15_000;
const SLACK = 5_000;

export default scenario(
  "one limit for all pods: 5 is 5, while pods are killed, rolled and scaled, and their store comes and goes",
  async (cluster, report) => {
    const { ledger } = cluster;
    const image = await storeImage(cluster);
    if (image === undefined)
      return report.figure("a store", "left out: no server of one on this machine, or no buildah");
    await cluster.install();
    const namespace = await cluster.namespace(NAME);
    const kubectl = (...args: readonly string[]): Promise<string> => cluster.kubectl("-n", namespace, ...args);
    const example = (password: string): Promise<readonly object[]> => exampleStore({ image, namespace, password });
    await cluster.apply(namespace, ...(await example("first-password")), ...gracefulBackend(undefined, 2));
    await cluster.apply(namespace, apiKeys("keys", [...CLIENTS, GUEST]), besidePolicy);
    await cluster.rolledOut(namespace, "sample-backend", "valkey");

    const edit = (parts: Parts): Promise<string> => cluster.proxy(namespace, NAME, spec(parts));
    const pods = (): Promise<V1Pod[]> => dataplanePods(cluster, namespace, NAME);
    const stores = async (): Promise<number[]> =>
      samples(cluster, (await pods()).filter(isServing), "wsproxy_store_available", { proxy: `${namespace}/${NAME}` });
    const storeIs = (available: boolean): Promise<void> =>
      cluster.until(`every pod ${available ? "has" : "lacks"} the store`, async () => {
        const found = await stores();
        return found.length > 0 && found.every((one) => one === (available ? 1 : 0));
      });
    /** Questions that the store has not answered in time. */
    const unanswered = async (): Promise<number> => {
      const of = (result: string): Promise<number> =>
        metric(cluster, [namespace, NAME], "wsproxy_store_requests_total", { result });
      return (await of("Late")) + (await of("Failed"));
    };
    /** Does this until the store has answered all questions meanwhile, as PerPod needs it: then that must be so. */
    const whereAnswered = async <T>(tries: readonly T[], work: (one: T) => Promise<() => void>): Promise<void> => {
      for (const one of tries) {
        const before = await unanswered();
        const check = await work(one);
        const late = (await unanswered()) - before;
        if (late === 0) return check();
        report.figure("the store was late, and each pod decided alone", String(late));
      }
      throw new Error("the store was late each time: this machine is too busy");
    };
    const open = (url: string, client = GUEST): Promise<Session> => ledger.open(url, asClient(client));
    const refused = (url: string, client = GUEST): Promise<string> => ledger.dial(url, asClient(client)).refused();

    await report.step("without a store, and without its Secret, the status says what limits mean", () =>
      statusTells(cluster, namespace),
    );
    const url = await report.step("three pods count in the store of examples/valkey", async () => {
      const at = await edit({});
      await reached(cluster, namespace, NAME, 3, () => open(`${at}/late`));
      await storeIs(true);
      return at;
    });
    const path = `${url}/sessions`;
    const on = async (route: string): Promise<string[]> => {
      const serving = await settled(cluster, namespace, NAME, ({ length }) => length > 1);
      return serving.map((pod) => `${urlOf(pod)}/${route}`);
    };
    const holders = new Holders(cluster, path, CLIENTS, LIMIT);
    const exact = (): void => {
      assert.equal(holders.most, LIMIT, "the most sessions of one client");
      assert.deepEqual(new Set(holders.counts), new Set([LIMIT]));
    };
    /** Sessions since then that no client of ours has ended. */
    const lost = (since: number): string[] =>
      ledger.ended
        .filter(({ closed }) => closed.at >= since && closed.code !== 1000)
        .map(({ as, closed }) => `${as} ${closed.code} ${closed.text}`);

    const whole = (): Promise<void> => cluster.until("each client has its sessions", async () => holders.whole);
    const allHaveEnough = async (): Promise<void> => {
      await Promise.all(CLIENTS.map((client) => hasEnough(cluster, path, client)));
      exact();
    };
    const stormOf = async (what: string, over = 0): Promise<void> => {
      const since = Date.now();
      await holders.storm(TRIES, over);
      const entries = ledger.entries.filter(({ dialled }) => dialled >= since);
      const times = entries.flatMap(({ dialled, opened }) => (opened === undefined ? [] : [opened - dialled]));
      report.times(`${what}: ${CLIENTS.length} clients with ${TRIES} tries, handshakes`, times);
      report.figure("others", reasonsOf(entries.filter(({ opened }) => opened === undefined)));
    };

    await report.step(`Refuse: of ${TRIES} tries at the same time ${LIMIT} get in, for each client`, async () => {
      await stormOf("Refuse");
      assert.ok(holders.most <= LIMIT, `a client had ${holders.most}`);
      holders.comeBack(); // those that were told to: of a busy machine the store may be late
      await whole();
      await holders.rest();
      await allHaveEnough();
    });
    await report.step("an edit to PerPod ends no session", async () => {
      const since = Date.now();
      await edit({ whenUnavailable: "PerPod" });
      assert.deepEqual(lost(since), []);
      exact();
    });
    await report.step(
      `PerPod, where the store answers: of ${TRIES} tries ${LIMIT} get in, for each client`,
      async () => {
        await whereAnswered(SPREAD, async (over) => {
          await holders.leave();
          await stormOf(`PerPod, over ${seconds(over)}`, over);
          return exact;
        });
      },
    );
    await report.step("messages of one client, from all pods together, are those of one limit", async () => {
      const urls = await on("messages");
      await whereAnswered(CLIENTS.slice(0, TALKERS), async (client) => {
        return talk(report, await Promise.all(urls.map((one) => open(one, client))));
      });
    });

    await report.step("a pod is killed: its places are free soon, and no client gets more than it had", async () => {
      await edit({ whenUnavailable: "Refuse" });
      const [victim = {}] = await pods();
      holders.comeBack();
      const since = Date.now();
      await crash(cluster, victim);
      await cluster.until("its sessions are gone", async () => !holders.whole);
      await whole();
      const took = Date.now() - since;
      report.figure(
        `a killed pod's ${lost(since).length} sessions: until all clients have theirs again`,
        seconds(took),
      );
      assert.ok(took < FREE + SLACK, seconds(took));
      exact();
    });
    await report.step("rolled, and scaled from 3 to 5 to 2 meanwhile: never more than it may have", async () => {
      const since = Date.now();
      await kubectl("rollout", "restart", `deployment/wsproxy-${NAME}`);
      await edit({ replicas: 5 });
      await settled(cluster, namespace, NAME, ({ length }) => length === 5);
      await edit({ replicas: 2 });
      await settled(cluster, namespace, NAME, ({ length }) => length === 2);
      await whole();
      await holders.rest();
      report.figure(
        "rolled and scaled meanwhile",
        `${lost(since).length} sessions ended, in ${seconds(Date.now() - since)}`,
      );
      assert.deepEqual(new Set(lost(since).map((one) => one.replace(/^\S+ /, ""))), new Set(["1012 Draining"]));
      exact();
    });

    await report.step("Refuse, the store's pod is deleted: 503 until it is back, empty; no session ends", async () => {
      const since = Date.now();
      await kubectl("delete", "pod", "--selector", "app=valkey", "--force", "--grace-period=0");
      await cluster.until("503", async () => {
        const session = ledger.dial(path, asClient(FIRST));
        return (await session.refused()) === "503 StoreUnavailable" && session.entry.refused?.retryAfter === 5;
      });
      await hasEnough(cluster, path, FIRST);
      await storeIs(true);
      report.figure("the store's pod is deleted: until it counts again", seconds(Date.now() - since));
      await allHaveEnough();
      assert.deepEqual(lost(since), []);
    });
    await report.step("PerPod, it is away: each pod counts for itself; back again, all of them do", async () => {
      const since = Date.now();
      await edit({ replicas: 2, whenUnavailable: "PerPod" });
      await kubectl("scale", "deployment/valkey", "--replicas=0");
      await storeIs(false);
      const urls = await on("sessions");
      const sessions: Session[] = [];
      for (const one of urls) {
        for (let count = 0; count < LIMIT; count += 1) sessions.push(await open(one));
        assert.equal(await refused(one), "429 ConnectionLimit");
      }
      await kubectl("scale", "deployment/valkey", "--replicas=1");
      await edit({ replicas: 2 });
      await storeIs(true);
      const areFull = (): Promise<unknown> => Promise.all(urls.map((one) => hasEnough(cluster, one)));
      await areFull(); // with twice as many
      await Promise.all(sessions.splice(LIMIT).map((session) => session.close()));
      await areFull();
      await sessions.pop()?.close();
      sessions.push(await getsIn(cluster, urls[1] ?? ""));
      await areFull();
      await allHaveEnough();
      assert.deepEqual(lost(since), []);
    });
    await report.step(
      "another password, in the Secret and in the store: no session ends, no count is lost",
      async () => {
        const since = Date.now();
        await cluster.apply(namespace, ...(await example("second-password")));
        await kubectl("rollout", "restart", "deployment/valkey");
        await storeIs(false);
        await cluster.rolledOut(namespace, "valkey");
        await storeIs(true);
        await allHaveEnough();
        assert.deepEqual(lost(since), []);
      },
    );

    await report.step("a limit that is new counts the sessions that are open, on every pod", async () => {
      const urls = await on("late");
      const sessions = await Promise.all([...urls, ...urls, ...urls].map((one) => open(one)));
      await edit({ replicas: 2, late: sessions.length + 1 });
      sessions.push(await getsIn(cluster, urls[0] ?? ""));
      for (const one of urls) await hasEnough(cluster, one);
      for (const session of sessions) await session.echo("still here");
    });
    await report.step("mode Sidecar: two pods share one limit", () => besides(cluster, namespace));
  },
  { minutes: 8 },
);

/** What a user reads before there is a store that can be asked. */
async function statusTells(cluster: Cluster, namespace: string): Promise<void> {
  const tells = async (parts: Parts | undefined, type: string, words: RegExp): Promise<void> => {
    if (parts !== undefined) await cluster.apply(namespace, proxyManifest(NAME, spec(parts)));
    let last = "";
    await cluster
      .until(`${type} tells ${words}`, async () => {
        const { status, metadata } = await readProxy(cluster, namespace, NAME);
        const found = status?.conditions?.find((one) => one.type === type);
        last = `${found?.status} ${found?.reason}: ${found?.message}`;
        return found?.observedGeneration === metadata.generation && words.test(last);
      })
      .catch((error: unknown) => {
        throw new Error(`${String(error)}; it is ${last}`, { cause: error });
      });
  };
  await cluster.apply(namespace, proxyManifest(NAME, { ...spec(), store: undefined }));
  await tells(undefined, "Accepted", /^True .*each of the 3 pods by itself.*spec\.store counts over all pods/);
  await tells({ secret: "nowhere" }, "ResolvedRefs", /^False SecretNotFound: .*nowhere.*no pod dials the store/);
  const stringData = { username: "wsproxy", password: "first-password" };
  const type = "kubernetes.io/basic-auth";
  await cluster.apply(namespace, {
    apiVersion: "v1",
    kind: "Secret",
    type,
    metadata: { name: "unlabelled" },
    stringData,
  });
  await tells({ secret: "unlabelled" }, "ResolvedRefs", /^False SecretNotPermitted: .*no pod dials the store/);
  await cluster.kubectl("-n", namespace, "label", "secret", "unlabelled", `${USE_LABEL}=true`);
  await tells(undefined, "ResolvedRefs", /^True /);
}
